// DataStateMachine: what a data group's committed entries are applied to: keys and values.
//
// It runs the commands of an entry over commands' Keyspace, writes one atomic batch for each call,
// and hands the replies to whoever proposed them on this node. It reads nothing but the entries and
// the group's own keyspace, so all replicas come to the same bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/keyspace.h"
#include "seshat/commands/replicated_limits.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/state_store.h"
#include "seshat/raft/state_machine.h"
#include "seshat/service/command_waiter.h"
#include "seshat/service/expiry_schedule.h"
#include "seshat/service/state_marks.h"

namespace seshat {

// What others may see of a data group's applied state.
// Threads: thread-safe.
struct DataGroupInfo {
  std::atomic<std::uint64_t> key_count{0};
  std::atomic<std::uint64_t> commands_applied{0};  // since start; marks do not count
  std::atomic<std::uint64_t> keys_expired{0};      // since start
  ExpirySchedule expiries;
  StateMarks marks;
};

struct DataStateMachineOptions {
  GroupId group = kFirstDataGroup;
  // From the replicated settings, fixed when the cluster was founded: replicas must agree.
  ReplicatedLimits limits;
  Gauge* key_count = nullptr;  // storage_num_keys; null: not reported
};

// Threads: as StateMachine.
class DataStateMachine final : public StateMachine {
 public:
  // Reads how far the group has come and, one seek for each slot in use, what will expire; every
  // row, when its digest is not known. May block.
  // Pre:      `store` has the group.
  // Lifetime: the store outlives the state machine.
  // Errors:   kCorruption; kFailedPrecondition when a newer version of Seshat wrote a row.
  static Result<std::unique_ptr<DataStateMachine>> Open(StateStore& store,
                                                        const DataStateMachineOptions& options);

  LogIndex AppliedIndex() const override { return keyspace_->applied().index; }
  UnixMillis GroupClock() const override { return keyspace_->applied().clock; }
  Status Apply(std::vector<CommittedEntry> entries) override;
  Status Reopen() override;
  Result<StateFacts> Describe(const StateView& view) const override;
  std::unique_ptr<StateAudit> NewAudit() const override;

  // For Service::AddDataGroup.
  std::shared_ptr<DataGroupInfo> info() const { return info_; }

 private:
  // A reply that may be handed over only once the batch it describes is written.
  struct Answer {
    std::unique_ptr<ProposalWaiter> waiter;
    Reply reply;
  };

  DataStateMachine(StateStore& store, const DataStateMachineOptions& options);

  Status ApplyEntry(CommittedEntry& entry, std::vector<Answer>& answers);
  void WriteBatch(LogIndex index, Term term);
  void PublishKeyCount();

  StateStore& store_;
  const DataStateMachineOptions options_;
  std::optional<Keyspace> keyspace_;  // empty only while it is opened
  const std::shared_ptr<DataGroupInfo> info_;
  DataCommand scratch_;
  std::size_t commands_in_batch_ = 0;
  bool is_marked_ = false;               // by the entry that was applied last
  std::uint64_t expired_on_access_ = 0;  // as of the last batch
};

}  // namespace seshat
