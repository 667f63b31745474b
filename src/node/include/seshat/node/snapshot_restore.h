// A snapshot becomes the beginning of a new cluster: the data directory of one of its members.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/node/node_config.h"

namespace seshat {

struct RestoreOptions {
  std::filesystem::path snapshot;  // its folder, under a node's `snapshots` or a copy
  std::filesystem::path data_dir;  // empty, missing, or left by an interrupted restore
  NodeId node{1};
  // Of the new cluster, ascending, this node among them. Like `cluster_name` and the snapshot, the
  // same for each of them: the new cluster's id follows from all three.
  std::vector<FoundingMember> members;
  std::string cluster_name;
};

struct RestoredGroup {
  GroupId group;
  LogIndex index;  // what the snapshot held
  Term term;
  std::uint64_t key_count = 0;
  std::uint64_t digest = 0;
};

struct RestoredDirectory {
  std::string snapshot;           // its name
  std::string former_cluster_id;  // hexadecimal, as the next
  std::string cluster_id;
  std::vector<RestoredGroup> groups;  // ascending
};

// Verifies all of the snapshot, then copies it. May block for long.
// Errors:     kNotFound: no snapshot there; kFailedPrecondition: data_dir is in use, or holds
//             something; kInvalidArgument: `node` is no member; kCorruption: the snapshot is
//             damaged, each finding on a line that names the file, and data_dir is as it was; kIo,
//             kResourceExhausted: the same call again begins anew.
// Durability: synced at return. No node starts on data_dir before that.
// A disk that fails ends the process, exit status 70.
Result<RestoredDirectory> RestoreSnapshot(const RestoreOptions& options);

}  // namespace seshat
