// A node goes on alone, as the only member of a new cluster, when the majority of its cluster is
// lost for good.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

struct RecoveryMember {
  NodeId node;
  std::string internal_address;
};

struct RecoveryGroup {
  GroupId group;
  std::uint64_t key_count = 0;  // applied so far
  LogIndex applied;
  LogIndex commit;  // known to be committed; may lag
  LogIndex last;    // of its log: all up to here will count as committed
  Term last_term;   // of that entry
  Term term;        // the highest known
};

// What a recovery of the directory starts from. Of several surviving nodes the one with the highest
// `last_term` is to be taken, among equals the one with the highest `last`.
struct RecoveryPlan {
  NodeId node;
  std::string cluster_id;               // hexadecimal
  bool is_resumed = false;              // an interrupted recovery goes on
  std::vector<RecoveryMember> members;  // of the cluster as this node knows it, ascending
  std::vector<RecoveryGroup> groups;    // ascending
};

// Reads and checks the whole directory and changes nothing. May block for long.
// Errors: kNotFound: no data directory; kFailedPrecondition: a running node has it, its cluster was
//         never founded, it lacks a group of the cluster, or it is the only member already;
//         kCorruption: it is damaged or in quarantine, each finding on a line; kIo.
Result<RecoveryPlan> PlanRecovery(const std::filesystem::path& data_dir);

struct RecoveredDirectory {
  std::string cluster_id;             // the new one, hexadecimal
  std::vector<RecoveryGroup> groups;  // as they are now
};

// Applies all that the log holds, and founds a new cluster on it, of this node alone. Writes that
// only others held are lost. The same call after an interruption finishes it.
// Errors:     as PlanRecovery. From when the first byte was changed on, no node starts on the
//             directory before this has succeeded.
// Durability: synced at return.
// A disk that fails ends the process, exit status 70.
Result<RecoveredDirectory> RecoverDirectory(const std::filesystem::path& data_dir);

}  // namespace seshat
