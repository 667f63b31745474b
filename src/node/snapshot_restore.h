// RestoreSnapshot on given ports, for tests.
#pragma once

#include <string>
#include <vector>

#include "directory_rewrite.h"
#include "seshat/node/snapshot_restore.h"

namespace seshat {

Result<RestoredDirectory> RestoreSnapshotOn(const OfflinePorts& ports,
                                            const RestoreOptions& options);

// 32 bytes that are equal for two members of the new cluster exactly when they were restored from
// the same state of the same cluster, with the same name and list of members. The cluster's id is
// cut from them. No list of members that a cluster is founded with gives them (BootstrapHash).
std::string RestoredClusterHash(const RestoreOptions& options, const std::string& former_cluster_id,
                                const std::vector<RestoredGroup>& groups);

}  // namespace seshat
