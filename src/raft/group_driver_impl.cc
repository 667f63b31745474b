// The raft executor's side of the driver: one cycle takes what has gathered in the inbox to the
// core and what the core asks for to disk, peers and state machine.
#include "group_driver_impl.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "entry_codec.h"
#include "log_entries.h"
#include "seshat/base/check.h"
#include "seshat/base/random.h"
#include "seshat/base/seeded_bug.h"
#include "state_codec.h"

namespace seshat {
namespace {

// A payload is closed once it is this long; one larger append goes alone.
constexpr std::size_t kPayloadBytes = 512 * 1024;
constexpr Duration kStatusInterval = std::chrono::milliseconds(100);

Channel ChannelOf(MessageType type) {
  switch (type) {
    case MessageType::kAppendRequest:
    case MessageType::kAppendResponse:
    case MessageType::kSnapshotRequest:
    case MessageType::kSnapshotResponse:
      return Channel::kAppend;
    default:
      return Channel::kControl;
  }
}

// Different in every run of a node: no two start at the same reading of both clocks.
std::uint64_t FirstReadContext(const CoreOptions& core, const Clock& clock) {
  if (HasBug("read-contexts-used-again")) return 1;
  const auto now = static_cast<std::uint64_t>(clock.Now().since_boot.count());
  const auto wall = static_cast<std::uint64_t>(clock.WallNow().value);
  return Random(Random(core.seed ^ now).Next() ^ wall).Next();
}

}  // namespace

GroupDriver::Impl::Impl(GroupId group, const GroupDriverOptions& options, const GroupPorts& ports,
                        std::unique_ptr<StateMachine> state_machine, LoadedGroup loaded)
    : group_(group),
      options_(options),
      ports_(ports),
      budget_(options.proposals_max, options.proposal_bytes_max),
      time_(*ports.clock, state_machine->GroupClock()),
      state_machine_(std::move(state_machine)),
      core_(options.core, loaded.restored, ports.clock->Now()),
      in_flight_(budget_, options.outcome_wait),
      reads_(options.read_retry, FirstReadContext(options.core, *ports.clock)),
      next_apply_(HasBug("applied-again-on-restart") && loaded.restored.applied > LogIndex{}
                      ? loaded.restored.applied
                      : loaded.restored.applied.Next()),
      log_sizes_(std::move(loaded.log_sizes)),
      snapshot_index_(loaded.restored.snapshot.index),
      bytes_since_snapshot_(log_sizes_.total()),
      known_commit_(core_.commit_index()),
      sync_latency_(options.slow_disk.sustained / 5, ports.clock->Now()),
      slow_disk_(options.slow_disk) {
  if (ports_.metrics != nullptr) {
    gauges_ = std::make_unique<DriverGauges>(*ports_.metrics, options_.core.id, group_);
  }
  view_.applied.store(loaded.restored.applied.value());
  view_.commit.store(core_.commit_index().value());
  view_.term.store(core_.term().value());
  known_term_ = core_.term();
  status_.group = group_;
  status_.core = core_.GetStatus();
  status_.applied_index = loaded.restored.applied;
  status_.log_size_bytes = log_sizes_.total();
  status_.known_commit = known_commit_;
  status_.leader_since = kNever;
}

GroupDriver::Impl::~Impl() = default;

GroupDriver::Impl::Inbox GroupDriver::Impl::TakeInbox() {
  MutexLock lock(mutex_);
  is_cycle_posted_ = false;
  return std::exchange(inbox_, Inbox());
}

void GroupDriver::Impl::Cycle() {
  Inbox inbox = TakeInbox();
  if (is_halted_) return;

  // Peers' words come before deadlines: after a pause the leader's heartbeat may already be here.
  const MonotonicTime now = ports_.clock->Now();
  HandleNotices(inbox, now);
  StepMessages(inbox.messages, now);
  if (now >= core_.NextDeadline()) core_.Tick(now);
  BeginTransfers(inbox.transfers, now);
  BeginMemberChanges(inbox.member_changes, now);
  LeaveJointIfDue(now);
  HandOverIfSlow(now);
  HandleSnapshots(inbox, now);
  HandleReadys(now);
  PublishView(now);  // leadership may just have changed: proposals and reads meet the new state
  ProposeQueued(inbox.proposals, now);
  for (PendingRead& read : inbox.reads) reads_.Add(std::move(read));
  for (ReplicationWait& wait : inbox.replication_waits) replication_waits_.Add(std::move(wait));
  reads_.Ask(core_, now);
  HandleReadys(now);
  FlushOutgoing();
  PublishView(now);
  DispatchApplies();
  in_flight_.Expire(now);
  FinishTransfer();
  FinishMemberChange();
  FinishReads(now);
  FinishReplicationWaits(now);
  PublishStatus(now);
  ArmTimer();
}

void GroupDriver::Impl::HandleNotices(Inbox& inbox, MonotonicTime now) {
  for (const PersistedNotice& persisted : inbox.persisted) {
    const auto it = std::ranges::find(pending_readys_, persisted.number, &PendingReady::number);
    SESHAT_CHECK(it != pending_readys_.end());
    it->is_durable = true;
    sync_latency_.OnDurable(persisted.at - it->queued_at);
  }
  ReleasePersisted(now);

  for (const AppliedNotice& applied : inbox.applied) {
    --apply_batches_out_;
    budget_.Release(applied.proposals, applied.proposal_bytes);
    core_.OnApplied(applied.index);
  }
  for (FetchedNotice& fetched : inbox.fetched) {
    // What was read in an earlier term may have been truncated and rewritten since.
    if (fetched.term != core_.term() && !HasBug("fetched-entries-unchecked")) continue;
    core_.OnFetched(fetched.follower, std::move(fetched.entries), now);
  }
  if (inbox.loaded) {
    is_loading_ = false;
    Dispatch(*std::move(inbox.loaded));
  }
}

void GroupDriver::Impl::StepMessages(std::vector<Message>& messages, MonotonicTime now) {
  for (Message& message : messages) {
    if (message.to != options_.core.id) continue;
    const MessageType type = message.type;
    Message header;  // what is needed after the core has taken the message
    header.type = type;
    header.from = message.from;
    header.term = message.term;
    header.commit = std::max(message.commit, message.hint_index);
    header.leader_time = message.leader_time;
    header.log_sync = message.log_sync;
    core_.Step(std::move(message), now);
    LearnTime(header);
    LearnDisk(header);
    if (header.from == core_.leader() && header.term == core_.term() &&
        (type == MessageType::kAppendRequest || type == MessageType::kHeartbeatRequest)) {
      known_commit_ = std::max(known_commit_, header.commit);
    }
  }
}

void GroupDriver::Impl::LearnTime(const Message& message) {
  if (message.term != core_.term() || message.leader_time.value <= 0) return;
  if (message.type == MessageType::kHeartbeatRequest && message.from == core_.leader()) {
    time_.OnLeaderTime(message.leader_time);
  } else if (message.type == MessageType::kHeartbeatResponse && core_.role() == Role::kLeader &&
             time_.NeedsAgreement()) {
    time_.OnPeerWall(message.from, message.leader_time, core_.GetStatus().configuration,
                     options_.core.id);
  }
}

void GroupDriver::Impl::Refuse(std::vector<Proposal>& proposals, std::size_t from, std::size_t to,
                               const Error& why) {
  const NodeId leader = core_.leader();
  for (std::size_t i = from; i < to; ++i) {
    budget_.Release(1, proposals[i].command.size());
    proposals[i].waiter->OnNotApplied(why, leader);
  }
}

void GroupDriver::Impl::ProposeQueued(std::vector<Proposal>& proposals, MonotonicTime now) {
  std::vector<std::string_view> commands;
  for (std::size_t first = 0; first < proposals.size();) {
    if (core_.role() != Role::kLeader) {
      return Refuse(proposals, first, proposals.size(),
                    Error(ErrorCode::kUnavailable, "this node does not lead the group"));
    }
    commands.clear();
    std::size_t bytes = 0;
    std::size_t end = first;
    for (; end < proposals.size(); ++end) {
      const std::size_t size = proposals[end].command.size();
      if (end > first && bytes + size > options_.entry_bytes_max) break;
      if (end - first == options_.entry_commands_max) break;
      commands.push_back(proposals[end].command);
      bytes += size;
    }

    const Result<ProposalPosition> position =
        core_.Propose(EncodeProposalBatch(time_.Current(), commands), now);
    if (!position) return Refuse(proposals, first, proposals.size(), position.error());
    ProposalWaiters waiters;
    waiters.reserve(end - first);
    for (; first < end; ++first) waiters.push_back(std::move(proposals[first].waiter));
    in_flight_.Add(position->term, position->index, std::move(waiters), bytes);
  }
}

void GroupDriver::Impl::HandleReadys(MonotonicTime now) {
  while (core_.HasReady()) {
    Ready ready = core_.TakeReady();
    Send(ready.messages);
    if (HasBug("promises-sent-before-durable")) Send(ready.messages_after_persist);
    pending_readys_.push_back(
        {ready.number, !ready.NeedsWrite(), std::move(ready.messages_after_persist), now});
    if (ready.NeedsWrite()) QueueWrite(ready);

    for (const ReadGrant& grant : ready.reads) {
      if (grant.leader_time.value > 0) time_.OnApplied(grant.leader_time);
      reads_.OnGranted(grant, time_.Current());
    }
    for (const std::uint64_t context : ready.failed_reads) reads_.OnFailed(context, now);
    for (const FetchRequest& fetch : ready.fetches) StartFetch(fetch);
    if (ready.offer) TakeUpOffer(*std::move(ready.offer), now);
    ReleasePersisted(now);
  }
}

void GroupDriver::Impl::QueueWrite(Ready& ready) {
  LogWrite write;
  write.group = group_;
  if (ready.install) AddInstallTo(write, ready);
  if (ready.compact) {
    write.start =
        LogStart{.first_index = ready.compact->index.Next(),
                 .snapshot_row = EncodeSnapshotMetadata(*ready.compact, ports_.clock->WallNow())};
  }
  write.truncate_from = ready.truncate_from;
  write.records.reserve(ready.entries.size());
  for (const Entry& entry : ready.entries) {
    write.records.push_back({entry.index, EncodeEntry(entry)});
  }
  const bool loses_state = HasBug("state-not-written-with-entries") && !ready.entries.empty();
  if (ready.hard_state && !loses_state) write.state_row = EncodeHardState(*ready.hard_state);
  TrackLogSize(write);
  if (HasBug("fsync-skipped")) {
    ports_.log->Write(std::move(write), [] {});
    return OnPersisted(ready.number);
  }
  // The store may finish after the driver is gone: it must not keep it alive.
  const bool is_cut = ready.compact.has_value();
  ports_.log->Write(std::move(write), [weak = weak_from_this(), number = ready.number, is_cut] {
    const auto self = weak.lock();
    if (!self) return;
    self->OnPersisted(number);
    if (is_cut) self->RemoveCompacted();
  });
}

void GroupDriver::Impl::TrackLogSize(const LogWrite& write) {
  if (write.install) log_sizes_ = LogSizes(write.start->first_index);
  if (write.start) log_sizes_.CutBefore(write.start->first_index);
  if (write.truncate_from) log_sizes_.TruncateFrom(*write.truncate_from);
  for (const LogRecord& record : write.records) {
    log_sizes_.Append(record.value.size());
    bytes_since_snapshot_ += record.value.size();
  }
}

void GroupDriver::Impl::ReleasePersisted(MonotonicTime now) {
  while (!pending_readys_.empty() && pending_readys_.front().is_durable) {
    PendingReady ready = std::move(pending_readys_.front());
    pending_readys_.pop_front();
    core_.OnPersisted(ready.number, now);
    Send(ready.messages);
    ReopenIfInstalled(ready.number);
  }
}

void GroupDriver::Impl::Send(std::vector<Message>& messages) {
  for (Message& message : messages) {
    const NodeId to = message.to;
    const Channel channel = ChannelOf(message.type);
    if (message.type == MessageType::kHeartbeatRequest ||
        (message.type == MessageType::kReadIndexResponse && !message.reject)) {
      message.leader_time = time_.Current();
      if (message.type == MessageType::kHeartbeatRequest) message.hint_index = core_.commit_index();
    } else if (message.type == MessageType::kHeartbeatResponse) {
      message.leader_time = ports_.clock->WallNow();
      message.log_sync = sync_latency_.reported();
    }
    auto it = std::find_if(outgoing_.begin(), outgoing_.end(), [&](const Outgoing& out) {
      return out.to == to && out.channel == channel;
    });
    if (it == outgoing_.end()) it = outgoing_.insert(it, Outgoing{to, channel, {}});
    it->writer.Add(group_, message);
    if (it->writer.size_bytes() >= kPayloadBytes) {
      ports_.transport->Send(to, channel, it->writer.Take());
    }
  }
}

void GroupDriver::Impl::FlushOutgoing() {
  for (Outgoing& out : outgoing_) {
    if (!out.writer.empty()) ports_.transport->Send(out.to, out.channel, out.writer.Take());
  }
}

void GroupDriver::Impl::StartFetch(const FetchRequest& fetch) {
  Executor* reader = ports_.log_reader != nullptr ? ports_.log_reader : ports_.apply;
  reader->Post(
      [self = shared_from_this(), fetch, term = core_.term()] { self->RunFetch(fetch, term); });
}

void GroupDriver::Impl::PublishView(MonotonicTime now) {
  const bool is_leader = core_.role() == Role::kLeader;
  const Term term = core_.term();
  const NodeId leader = core_.leader();
  // Commit before lease: see TryLeaseRead. Both before any entry goes to the state machine.
  view_.commit.store(core_.commit_index().value(), std::memory_order_release);
  view_.lease_until_ns.store(core_.LeaseUntil().since_boot.count(), std::memory_order_release);
  view_.term.store(term.value(), std::memory_order_release);
  view_.leader.store(leader.value(), std::memory_order_release);
  view_.is_leader.store(is_leader, std::memory_order_release);
  known_commit_ = std::max(known_commit_, core_.commit_index());

  time_.SetLeading(is_leader);
  const bool has_term_changed = term != known_term_;
  if (leader != known_leader_ || has_term_changed) {
    known_leader_ = leader;
    slow_disk_.Forget();
    leader_since_ = leader == kNoNode ? kNever : now;
    status_at_ = MonotonicTime{Duration::min()};
    if (leader != kNoNode) reads_.OnLeaderKnown();
  }
  if (is_leader == was_leader_ && !has_term_changed) return;
  if (was_leader_) in_flight_.OnLeadershipLost(now);
  if (is_leader && core_.GetStatus().configuration.IsSingleVoter(options_.core.id)) {
    time_.OnPeerWall(options_.core.id, ports_.clock->WallNow(), core_.GetStatus().configuration,
                     options_.core.id);
  }
  was_leader_ = is_leader;
  known_term_ = term;
  status_at_ = MonotonicTime{Duration::min()};
  if (leadership_listener_) leadership_listener_(is_leader, term);
}

void GroupDriver::Impl::DispatchApplies() {
  // One batch in flight and one prepared: the state machine never waits for this executor.
  constexpr std::size_t kBatchesMax = 2;
  if (staged_) return;  // the state is about to be replaced
  while (!is_loading_ && apply_batches_out_ < kBatchesMax) {
    LogIndex end = core_.ApplicableIndex().Next();
    if (HasBug("one-too-many-applied")) end = end.Next();
    if (next_apply_ >= end) return;
    std::vector<Entry> entries = core_.CachedEntries(next_apply_, end, options_.apply_bytes_max);
    if (entries.empty()) return StartLoad(next_apply_, end);
    Dispatch(std::move(entries));
  }
}

void GroupDriver::Impl::Dispatch(std::vector<Entry> entries) {
  ApplyBatch batch;
  batch.entries.reserve(entries.size());
  for (Entry& entry : entries) {
    SESHAT_CHECK(entry.index == next_apply_);
    next_apply_ = next_apply_.Next();
    ProposalsInFlight::Taken taken =
        in_flight_.OnCommitted(entry.term, entry.index, core_.leader());
    batch.proposals += taken.waiters.size();
    batch.proposal_bytes += taken.bytes;

    CommittedEntry committed = AsCommitted(std::move(entry));
    committed.waiters = std::move(taken.waiters);
    batch.entries.push_back(std::move(committed));
  }
  if (batch.entries.empty()) return;
  ++apply_batches_out_;
  ports_.apply->Post([self = shared_from_this(), batch = std::move(batch)]() mutable {
    self->RunApply(std::move(batch));
  });
}

void GroupDriver::Impl::StartLoad(LogIndex first, LogIndex end) {
  is_loading_ = true;
  ports_.apply->Post([self = shared_from_this(), first, end] { self->RunLoad(first, end); });
}

void GroupDriver::Impl::FinishReads(MonotonicTime now) {
  const LogIndex applied(view_.applied.load(std::memory_order_acquire));
  auto finished = reads_.TakeServable(applied);
  auto expired = reads_.TakeExpired(now);
  reads_waiting_.fetch_sub(finished.size() + expired.size(), std::memory_order_relaxed);
  for (auto& read : finished) read.done(std::move(read.result));
  for (auto& read : expired) read.done(std::move(read.result));
}

void GroupDriver::Impl::FinishReplicationWaits(MonotonicTime now) {
  if (replication_waits_.empty()) return;
  if (core_.role() != Role::kLeader) {
    return CallBack(replication_waits_.TakeAll(
        Error(ErrorCode::kUnavailable, "this node does not lead the group")));
  }
  std::vector<LogIndex> held;
  for (const FollowerStatus& follower : core_.GetStatus().followers) {
    if (!follower.is_learner) held.push_back(follower.match);
  }
  CallBack(replication_waits_.TakeFinished(held, now));
}

void GroupDriver::Impl::CallBack(std::vector<ReplicationWaits::Finished> finished) {
  replication_waiting_.fetch_sub(finished.size(), std::memory_order_relaxed);
  for (ReplicationWaits::Finished& wait : finished) wait.done(std::move(wait.result));
}

void GroupDriver::Impl::PublishStatus(MonotonicTime now) {
  const bool is_due =
      status_at_.since_boot == Duration::min() || now >= status_at_ + kStatusInterval;
  status_due_ = is_due ? kNever : status_at_ + kStatusInterval;
  if (!is_due) return;
  status_at_ = now;

  GroupStatus status;
  status.group = group_;
  status.core = core_.GetStatus();
  status.applied_index = LogIndex(view_.applied.load(std::memory_order_acquire));
  status.proposals_in_flight = budget_.count();
  status.reads_waiting = reads_waiting_.load(std::memory_order_relaxed);
  status.log_size_bytes = log_sizes_.total();
  status.snapshot_index = snapshot_index_;
  if (status.applied_index > snapshot_index_) {
    status.entries_since_snapshot = status.applied_index.value() - snapshot_index_.value();
  }
  status.log_bytes_since_snapshot = bytes_since_snapshot_;
  if (fetch_) {
    status.fetching = FetchStatus{.index = fetch_->offer().snapshot.index,
                                  .keys = fetch_->offer().snapshot.key_count,
                                  .rows_received = fetch_->rows_received(),
                                  .bytes_received = fetch_->bytes_received()};
  }
  status.snapshots_installed = snapshots_installed_;
  status.log_sync = sync_latency_.typical();
  status.leader_since = leader_since_;
  status.known_commit = known_commit_;
  status.has_quorum = core_.leader() != kNoNode;
  if (status.core.role == Role::kLeader) {
    status.has_quorum = status.core.configuration.HasQuorum([&](NodeId node) {
      if (node == options_.core.id) return true;
      return std::any_of(status.core.followers.begin(), status.core.followers.end(),
                         [&](const FollowerStatus& follower) {
                           return follower.id == node && follower.recently_active;
                         });
    });
  }
  if (gauges_) gauges_->Update(status, time_.TakeDrift());
  MutexLock lock(mutex_);
  status_ = std::move(status);
}

void GroupDriver::Impl::ArmTimer() {
  const MonotonicTime next =
      std::min({core_.NextDeadline(), reads_.NextDeadline(), in_flight_.NextDeadline(),
                replication_waits_.NextDeadline(), status_due_});
  if (next >= timer_at_) return;
  timer_at_ = next;
  ports_.raft->PostAt(next, [weak = weak_from_this(), next] {
    if (const auto self = weak.lock()) self->OnTimer(next);
  });
}

void GroupDriver::Impl::OnTimer(MonotonicTime when) {
  if (when != timer_at_) return;  // an earlier one was armed after this, and has run
  if (!HasBug("timer-not-armed-again")) timer_at_ = kNever;
  if (!is_halted_) Cycle();
}

void GroupDriver::Impl::Halt() {
  is_halted_ = true;
  Inbox inbox = TakeInbox();
  if (fetch_) fetch_->Cancel();
  FailTransfers(inbox.transfers, Error(ErrorCode::kCancelled, "the node is stopping"));
  FailMemberChanges(inbox.member_changes, Error(ErrorCode::kCancelled, "the node is stopping"));
  Refuse(inbox.proposals, 0, inbox.proposals.size(),
         Error(ErrorCode::kCancelled, "the node is stopping"));
  in_flight_.AbandonAll("the node stopped before the write was committed");
  for (PendingRead& read : inbox.reads) reads_.Add(std::move(read));
  for (auto& read : reads_.TakeAll(Error(ErrorCode::kCancelled, "the node is stopping"))) {
    read.done(std::move(read.result));
  }
  for (ReplicationWait& wait : inbox.replication_waits) replication_waits_.Add(std::move(wait));
  CallBack(replication_waits_.TakeAll(Error(ErrorCode::kCancelled, "the node is stopping")));
  view_.lease_until_ns.store(0, std::memory_order_release);
  view_.is_leader.store(false, std::memory_order_release);
}

}  // namespace seshat
