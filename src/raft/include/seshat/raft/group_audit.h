// A group's rows and log as its disk holds them, for a look at a node that does not run.
//
// It reads them back as a start does, but goes on behind the first thing that is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/raft/core.h"
#include "seshat/raft/entry.h"

namespace seshat {

// A log record, decoded as far as the raft layer knows it.
// Lifetime: `commands` lie in the record's bytes.
struct AuditedEntry {
  Term term;
  LogIndex index;
  EntryType type = EntryType::kNormal;
  FeatureLevel feature_level = kFeatureLevelMin;
  UnixMillis stamp;                            // kNormal
  std::vector<std::string_view> commands;      // kNormal
  std::optional<Configuration> configuration;  // kConfig
};

std::string_view ToString(EntryType type);

// Threads: owned by its user.
class GroupAudit {
 public:
  GroupAudit(GroupId group, const LogContents& contents);

  // The log's records from its first index on, ascending. Empty when it does not decode: the
  // problems say why.
  std::optional<AuditedEntry> Add(LogIndex index, std::string_view record);

  // Compares rows, log and what is applied with each other. No Add after it.
  // Pre: every record there is was added.
  // `applied`: index and term of the last entry applied; empty when that is not known.
  struct Applied {
    LogIndex index;
    Term term;
  };
  void Finish(std::optional<Applied> applied);

  // What the rows say; empty where one does not decode or, the state, was never written.
  const std::optional<HardState>& hard_state() const { return hard_state_; }
  const std::optional<SnapshotDescriptor>& snapshot() const { return snapshot_; }
  std::uint64_t records() const { return records_; }
  std::uint64_t bytes() const { return bytes_; }  // of the records
  LogIndex last_index() const { return restored_.last_index; }
  Term last_term() const { return TermAt(restored_.last_index); }
  // What is wrong, in words that name the row or the record; a bounded number.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void AddProblem(std::string problem);
  void CheckPlace(LogIndex index);
  void CheckApplied(Applied applied);
  Term TermAt(LogIndex index) const;

  const GroupId group_;
  RestoredState restored_;
  LogIndex first_;
  LogIndex next_;
  std::optional<HardState> hard_state_;
  std::optional<SnapshotDescriptor> snapshot_;
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t untold_ = 0;  // problems beyond the bound
  std::vector<std::string> problems_;
};

// What a kept snapshot says of one group. Errors: kCorruption; kFailedPrecondition: of a newer
// version.
Result<SnapshotDescriptor> DescribeGroupSnapshot(const GroupSnapshot& snapshot);

}  // namespace seshat
