// The inside of GroupDriver: one group's core, its queues and its way to disk, peers and state
// machine.
//
// Work enters through one inbox. Whoever fills an empty inbox dispatches one Cycle() to the raft
// executor, which takes everything that has gathered: the more load, the larger the batches. When
// the executor is idle the cycle runs on the thread that brought the work. The apply executor runs
// the state machine and reads the log where the core has no entry in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "group_driver_metrics.h"
#include "group_driver_proposals.h"
#include "group_driver_reads.h"
#include "group_driver_replication.h"
#include "group_driver_time.h"
#include "log_sizes.h"
#include "message_codec.h"
#include "seshat/base/mutex.h"
#include "seshat/raft/group_driver.h"
#include "slow_disk.h"
#include "snapshot_fetch.h"

namespace seshat {

// What Open reads from the disk.
struct LoadedGroup {
  RestoredState restored;
  LogSizes log_sizes;
};

// Errors: see GroupDriver::Open.
Result<LoadedGroup> LoadGroup(GroupId group, LogStore& log, LogIndex applied);

class GroupDriver::Impl : public std::enable_shared_from_this<GroupDriver::Impl> {
 public:
  Impl(GroupId group, const GroupDriverOptions& options, const GroupPorts& ports,
       std::unique_ptr<StateMachine> state_machine, LoadedGroup loaded);
  ~Impl();

  using TransferDone = UniqueFunction<void(Status)>;
  using ChangeDone = UniqueFunction<void(Status)>;
  using DescribeDone = UniqueFunction<void(std::optional<SnapshotDescriptor>)>;

  void Start();
  void BeginStop(UniqueFunction<void()> done);
  void Propose(std::vector<Proposal> proposals);
  void RequestRead(ReadDone done);
  bool TryLeaseRead(ReadPermit& permit) const;
  void WhenAppliedPast(LogIndex index, UniqueFunction<void()> done);
  void OnMessages(std::vector<Message> messages);
  UnixMillis CurrentStamp() const { return time_.Current(); }
  const GroupView& view() const { return view_; }
  GroupStatus GetStatus() const;
  void OnLeadershipChange(UniqueFunction<void(bool, Term)> listener);
  void TransferLeadership(NodeId to, TransferDone done, TransferReason reason);
  void ChangeMembers(std::vector<NodeId> voters, std::vector<NodeId> learners, ChangeDone done);
  Result<StateFacts> Describe(const StateView& view) const {
    return state_machine_->Describe(view);
  }
  void DescribeAt(LogIndex index, DescribeDone done);
  void OnSnapshotKept(SnapshotDescriptor snapshot);
  void WhenReplicated(ReplicationWait wait);

 private:
  enum class State { kNew, kRunning, kStopping };

  // Entries on their way to the state machine, and what they hold of the proposal budget.
  struct ApplyBatch {
    std::vector<CommittedEntry> entries;
    std::size_t proposals = 0;
    std::size_t proposal_bytes = 0;
  };
  struct AppliedNotice {
    LogIndex index;
    std::size_t proposals = 0;
    std::size_t proposal_bytes = 0;
  };
  struct PersistedNotice {
    std::uint64_t number = 0;  // of a Ready
    MonotonicTime at;
  };
  struct FetchedNotice {
    NodeId follower;
    Term term;  // in which it was asked for
    std::vector<Entry> entries;
  };
  struct TransferRequest {
    NodeId to;
    TransferDone done;
    TransferReason reason = TransferReason::kRequest;
  };
  // From one configuration without voters_outgoing to another.
  struct MemberChange {
    Configuration target;
    ChangeDone done;
  };
  struct DescribeRequest {
    LogIndex index;
    DescribeDone done;
  };
  // The end of a fetch.
  struct FetchedState {
    SnapshotOffer offer;
    Result<std::shared_ptr<IncomingState>> state;
  };
  struct Inbox {
    std::vector<Message> messages;
    std::size_t message_bytes = 0;
    std::vector<Proposal> proposals;
    std::vector<PendingRead> reads;
    std::vector<PersistedNotice> persisted;
    std::vector<AppliedNotice> applied;
    std::vector<FetchedNotice> fetched;
    std::optional<std::vector<Entry>> loaded;  // to be applied
    std::vector<TransferRequest> transfers;
    std::vector<MemberChange> member_changes;
    std::vector<DescribeRequest> describes;
    std::optional<SnapshotDescriptor> kept;
    std::optional<FetchedState> fetched_state;
    bool is_reopened = false;  // the state machine stands on the installed state
    std::vector<ReplicationWait> replication_waits;
  };
  // A Ready whose write, or that of one before it, is not durable yet.
  struct PendingReady {
    std::uint64_t number = 0;
    bool is_durable = false;
    std::vector<Message> messages;
    MonotonicTime queued_at;
  };
  struct Outgoing {
    NodeId to;
    Channel channel = Channel::kControl;
    MessageBatchWriter writer;
  };
  struct AppliedWaiter {
    LogIndex index;
    UniqueFunction<void()> done;
  };

  // --- any thread ---
  // kNow: on this thread if the raft executor is idle. kBatched: on its own, so that what comes
  // meanwhile shares the cycle.
  enum class Urgency { kNow, kBatched };
  // Lets `fill` put something into the inbox and sees to a Cycle. False when not running.
  template <typename Fill>
  bool Enqueue(Urgency urgency, Fill fill);
  void OnPersisted(std::uint64_t number);
  void RemoveCompacted();

  // --- raft executor ---
  void Cycle();
  Inbox TakeInbox();
  void StepMessages(std::vector<Message>& messages, MonotonicTime now);
  void LearnTime(const Message& message);
  void LearnDisk(const Message& message);
  void ProposeQueued(std::vector<Proposal>& proposals, MonotonicTime now);
  void Refuse(std::vector<Proposal>& proposals, std::size_t from, std::size_t to, const Error& why);
  void HandleNotices(Inbox& inbox, MonotonicTime now);
  void HandleReadys(MonotonicTime now);
  void QueueWrite(Ready& ready);
  void TrackLogSize(const LogWrite& write);
  void ReleasePersisted(MonotonicTime now);
  void Send(std::vector<Message>& messages);
  void FlushOutgoing();
  void StartFetch(const FetchRequest& fetch);
  void PublishView(MonotonicTime now);
  void BeginTransfers(std::vector<TransferRequest>& requests, MonotonicTime now);
  void FinishTransfer();
  void FailTransfers(std::vector<TransferRequest>& requests, const Error& why);
  void HandOverIfSlow(MonotonicTime now);
  void Report(SlowDiskEvent::Kind kind, const SlowDiskHandOver& hand_over,
              std::string why = "") const;
  void BeginMemberChanges(std::vector<MemberChange>& changes, MonotonicTime now);
  Status ProposeMembers(const Configuration& next, MonotonicTime now);
  void LeaveJointIfDue(MonotonicTime now);
  void FinishMemberChange();
  void FailMemberChanges(std::vector<MemberChange>& changes, const Error& why);
  void HandleSnapshots(Inbox& inbox, MonotonicTime now);
  void OnKept(SnapshotDescriptor snapshot);
  void TakeUpOffer(SnapshotOffer offer, MonotonicTime now);
  void OnFetchedState(FetchedState fetched, MonotonicTime now);
  void InstallIfIdle(MonotonicTime now);
  void AddInstallTo(LogWrite& write, const Ready& ready);
  void ReopenIfInstalled(std::uint64_t persisted);
  void OnReopened();
  void Report(SnapshotEvent::Kind kind, const SnapshotOffer& offer, std::string why = "") const;
  void ReleaseOnWorker(std::shared_ptr<IncomingState> state);
  void DispatchApplies();
  void Dispatch(std::vector<Entry> entries);
  void StartLoad(LogIndex first, LogIndex end);
  void FinishReads(MonotonicTime now);
  void FinishReplicationWaits(MonotonicTime now);
  void CallBack(std::vector<ReplicationWaits::Finished> finished);
  void PublishStatus(MonotonicTime now);
  void ArmTimer();
  void OnTimer(MonotonicTime when);
  void Halt();

  // --- apply executor ---
  void RunApply(ApplyBatch batch);
  Status DecodeBatch(ApplyBatch& batch);
  void RunLoad(LogIndex first, LogIndex end);
  void RunReopen(LogIndex index);
  void RunAppliedWaiters(bool all);
  // --- log reader executor ---
  void RunFetch(const FetchRequest& fetch, Term term);

  // Immutable.
  const GroupId group_;
  const GroupDriverOptions options_;
  const GroupPorts ports_;

  // Thread-safe.
  GroupView view_;
  ProposalBudget budget_;
  mutable GroupTime time_;
  std::atomic<std::size_t> reads_waiting_{0};
  std::atomic<std::size_t> replication_waiting_{0};

  mutable Mutex mutex_;
  State state_ SESHAT_GUARDED_BY(mutex_) = State::kNew;
  Inbox inbox_ SESHAT_GUARDED_BY(mutex_);
  bool is_cycle_posted_ SESHAT_GUARDED_BY(mutex_) = false;
  std::vector<AppliedWaiter> applied_waiters_ SESHAT_GUARDED_BY(mutex_);
  GroupStatus status_ SESHAT_GUARDED_BY(mutex_);

  // Owned by the apply executor.
  std::unique_ptr<StateMachine> state_machine_;
  bool has_apply_failed_ = false;

  // Owned by the raft executor.
  Core core_;
  bool is_halted_ = false;
  ProposalsInFlight in_flight_;
  ReadQueue reads_;
  ReplicationWaits replication_waits_;
  std::deque<PendingReady> pending_readys_;
  std::vector<Outgoing> outgoing_;
  LogIndex next_apply_;
  std::size_t apply_batches_out_ = 0;
  bool is_loading_ = false;
  MonotonicTime timer_at_ = kNever;
  LogSizes log_sizes_;
  LogIndex snapshot_index_;
  std::uint64_t bytes_since_snapshot_ = 0;
  std::shared_ptr<SnapshotFetch> fetch_;  // under way
  MonotonicTime fetch_not_before_;        // after one that failed
  // What was fetched, until it is installed; nothing more is applied meanwhile.
  std::optional<SnapshotOffer> staged_;
  std::shared_ptr<IncomingState> staged_state_;
  std::uint64_t install_number_ = 0;  // of the Ready that installs; 0: none
  std::uint64_t snapshots_installed_ = 0;
  LogIndex known_commit_;
  NodeId known_leader_;
  MonotonicTime leader_since_ = kNever;
  MonotonicTime status_at_{Duration::min()};  // published last
  MonotonicTime status_due_ = kNever;         // something may have changed since
  bool was_leader_ = false;
  Term known_term_;
  UniqueFunction<void(bool, Term)> leadership_listener_;
  std::optional<MemberChange> member_change_;  // under way
  TransferDone transfer_done_;                 // of the transfer under way
  NodeId transfer_to_;
  TransferReason transfer_reason_ = TransferReason::kRequest;
  SyncLatency sync_latency_;  // of this node's own disk
  SlowDiskRule slow_disk_;
  std::unique_ptr<DriverGauges> gauges_;  // null without metrics
};

template <typename Fill>
bool GroupDriver::Impl::Enqueue(Urgency urgency, Fill fill) {
  {
    MutexLock lock(mutex_);
    if (state_ != State::kRunning) return false;
    fill(inbox_);
    if (std::exchange(is_cycle_posted_, true)) return true;
  }
  auto cycle = [self = shared_from_this()] { self->Cycle(); };
  if (urgency == Urgency::kNow) {
    ports_.raft->Dispatch(std::move(cycle));
  } else {
    ports_.raft->Post(std::move(cycle));
  }
  return true;
}

}  // namespace seshat
