// What a stopped node's data directory holds, decoded and checked, for people.
//
// It reads and never writes. What it finds damaged it names, and shows the rest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"

namespace seshat {

struct InspectedIdentity {
  std::uint64_t format_version = 0;
  NodeId node;
  std::string cluster_id;  // hexadecimal; empty until the cluster has one
  std::string store_id;    // hexadecimal
  std::string quarantine;  // why the data must not be served; empty: it may be
  std::string unfinished;  // the offline command that was interrupted here; empty: none
};

struct InspectedMembers {
  std::vector<NodeId> voters;
  std::vector<NodeId> voters_outgoing;
  std::vector<NodeId> learners;
};

struct InspectedLogCommand {
  std::string name;
  std::vector<std::string> keys;
  std::vector<std::string> arguments;  // empty unless asked for
};

struct InspectedEntry {
  LogIndex index;
  Term term;
  std::string type;                           // "normal", "configuration", "no-op"
  std::optional<UnixMillis> stamp;            // of a normal one
  std::vector<InspectedLogCommand> commands;  // of a normal one
  InspectedMembers members;                   // of a configuration
};

struct InspectedGroup {
  GroupId group;
  std::uint64_t log_generation = 0;
  std::uint64_t state_generation = 0;
  std::uint64_t kv_generation = 0;

  // The hard state; nothing but zeros before the first vote or entry.
  Term term;
  NodeId vote;
  LogIndex commit;
  Duration promise{0};

  LogIndex first;  // last + 1 when the log is empty
  LogIndex last;
  Term last_term;
  std::uint64_t records = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t compacted_records = 0;  // before `first`, not removed yet

  // The entry that the log begins behind, and the configuration there.
  LogIndex compacted_to;
  Term compacted_term;
  InspectedMembers members;

  // What the row applied says, and what the rows come to.
  LogIndex applied;
  Term applied_term;
  UnixMillis clock;
  std::uint64_t revision = 0;
  std::uint64_t key_count = 0;
  std::uint64_t digest = 0;

  std::vector<InspectedEntry> entries;  // those asked for
};

struct InspectedSnapshotGroup {
  GroupId group;
  LogIndex index;
  Term term;
  std::uint64_t key_count = 0;
  std::uint64_t digest = 0;
  InspectedMembers members;
};

struct InspectedSnapshot {
  std::string name;
  UnixMillis created_at;
  std::uint64_t size_bytes = 0;
  std::vector<InspectedSnapshotGroup> groups;
};

struct SnapshotsInspection {
  std::vector<InspectedSnapshot> snapshots;  // newest first
  std::vector<std::string> damage;           // each names the file or the row
};

struct DirectoryInspection {
  std::optional<InspectedIdentity> identity;
  std::vector<InspectedGroup> groups;
  std::vector<InspectedSnapshot> snapshots;  // newest first
  std::vector<std::string> damage;           // each names the file or the row
  std::vector<std::string> notes;            // no loss; what the next start mends by itself
};

struct InspectionOptions {
  std::filesystem::path data_dir;
  std::optional<GroupId> group = {};  // the one to show, all are checked; empty: all of them
  // Inclusive bounds of the log entries to show.
  std::optional<LogIndex> entries_from = {};
  std::optional<LogIndex> entries_to = {};
  bool with_arguments = false;  // of the commands in them, values among them
  // The offline command that is run again: what an interruption of it leaves is no damage.
  std::string resumed = {};
};

// Reads every file. May take as long as the disk needs for that.
// Errors: kNotFound: no data directory, or it lacks the group; kFailedPrecondition: a running node
//         has it; kIo.
Result<DirectoryInspection> InspectDirectory(const InspectionOptions& options);

// The kept snapshots by their metadata alone. Errors: as InspectDirectory.
Result<SnapshotsInspection> ListSnapshots(const std::filesystem::path& data_dir);

// Reads every file of the snapshot with that name, or of all when `name` is empty, and compares
// what it holds with its metadata. Errors: as InspectDirectory; kNotFound for an unknown name.
Result<SnapshotsInspection> VerifySnapshots(const std::filesystem::path& data_dir,
                                            const std::string& name);

}  // namespace seshat
