// One kept snapshot of a stopped node: what its metadata says, and whether its files hold that.
#pragma once

#include "seshat/node/directory_inspection.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/raft/configuration.h"
#include "seshat/storage/directory_reader.h"

namespace seshat {

InspectedMembers MembersOf(const Configuration& configuration);

// By its metadata alone; a part that does not decode goes into the findings.
InspectedSnapshot DescribeSnapshot(const Snapshot& snapshot, DirectoryFindings& findings);

// Reads all of it. Each finding begins with its name. May block for long.
void VerifySnapshot(const DirectoryReader& reader, const Snapshot& snapshot,
                    DirectoryFindings& findings);
// The same without the checksums of its files.
void VerifyState(const Snapshot& snapshot, DirectoryFindings& findings);

}  // namespace seshat
