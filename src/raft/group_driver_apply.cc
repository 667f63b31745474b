// The apply and log reader executors' side of the driver, and what any thread may call.
#include <algorithm>
#include <string>
#include <utility>

#include "group_driver_impl.h"
#include "log_entries.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

// --- any thread ---

void GroupDriver::Impl::OnPersisted(std::uint64_t number) {
  const MonotonicTime at = ports_.clock->Now();
  Enqueue(Urgency::kNow, [&](Inbox& inbox) { inbox.persisted.push_back({number, at}); });
}

void GroupDriver::Impl::Start() {
  {
    MutexLock lock(mutex_);
    if (state_ != State::kNew) return;
    state_ = State::kRunning;
  }
  Enqueue(Urgency::kNow, [](Inbox&) {});
}

void GroupDriver::Impl::BeginStop(UniqueFunction<void()> done) {
  {
    MutexLock lock(mutex_);
    state_ = State::kStopping;
  }
  // From one executor to the next: each has run everything of ours when its turn comes.
  ports_.raft->Post([self = shared_from_this(), done = std::move(done)]() mutable {
    self->Halt();
    Executor* apply = self->ports_.apply;
    apply->Post([self = std::move(self), done = std::move(done)]() mutable {
      self->RunAppliedWaiters(true);
      const GroupPorts ports = self->ports_;
      self.reset();
      if (ports.snapshot_worker != nullptr) {
        done = [worker = ports.snapshot_worker, done = std::move(done)]() mutable {
          worker->Post(std::move(done));
        };
      }
      if (ports.log_reader == nullptr) return done();
      ports.log_reader->Post(std::move(done));
    });
  });
}

void GroupDriver::Impl::Propose(std::vector<Proposal> proposals) {
  const char* refusal = nullptr;
  ErrorCode code = ErrorCode::kUnavailable;
  std::size_t admitted = 0;
  if (!view_.is_leader.load(std::memory_order_acquire)) {
    refusal = "this node does not lead the group";
  } else {
    while (admitted < proposals.size() && budget_.Admit(proposals[admitted].command.size())) {
      ++admitted;
    }
    if (admitted < proposals.size()) {
      code = ErrorCode::kResourceExhausted;
      refusal = "too many writes are in flight (proposals_max, proposal_bytes_max)";
    }
  }

  // A lone write saves the way to another thread; many share an entry.
  const Urgency urgency = budget_.count() <= admitted ? Urgency::kNow : Urgency::kBatched;
  const bool is_queued = admitted > 0 && Enqueue(urgency, [&](Inbox& inbox) {
                           for (std::size_t i = 0; i < admitted; ++i)
                             inbox.proposals.push_back(std::move(proposals[i]));
                         });
  if (admitted > 0 && !is_queued) {
    for (std::size_t i = 0; i < admitted; ++i) budget_.Release(1, proposals[i].command.size());
    admitted = 0;
    code = ErrorCode::kCancelled;
    refusal = "the node is stopping";
  }
  const NodeId leader(view_.leader.load(std::memory_order_acquire));
  for (std::size_t i = admitted; i < proposals.size(); ++i) {
    proposals[i].waiter->OnNotApplied(Error(code, refusal), leader);
  }
}

void GroupDriver::Impl::RequestRead(ReadDone done) {
  const std::size_t waiting = reads_waiting_.fetch_add(1, std::memory_order_relaxed);
  if (waiting >= options_.reads_max) {
    reads_waiting_.fetch_sub(1, std::memory_order_relaxed);
    return done(MakeError(ErrorCode::kResourceExhausted, "too many reads wait (reads_max)"));
  }
  PendingRead read{std::move(done), ports_.clock->Now() + options_.read_timeout};
  const Urgency urgency = waiting == 0 ? Urgency::kNow : Urgency::kBatched;
  if (Enqueue(urgency, [&](Inbox& inbox) { inbox.reads.push_back(std::move(read)); })) return;
  reads_waiting_.fetch_sub(1, std::memory_order_relaxed);
  read.done(MakeError(ErrorCode::kCancelled, "the node is stopping"));
}

bool GroupDriver::Impl::TryLeaseRead(ReadPermit& permit) const {
  // The read takes effect at the moment the lease is loaded. It holds then, because the clock is
  // read later and still finds it unexpired; a thread that was paused in between finds it expired.
  // The commit index is stored before the lease it belongs to, so loading in the opposite order
  // (acquire pairs with release) sees everything committed before that moment. Everything that was
  // acknowledged here was handed to the state machine after its commit index was published, so it
  // is below this commit index too, and below `applied` when `applied` has reached it. A node whose
  // lease holds is the only one that can have acknowledged anything since.
  const std::int64_t lease_ns = view_.lease_until_ns.load(std::memory_order_acquire);
  if (lease_ns == 0) return false;
  const std::uint64_t commit = view_.commit.load(std::memory_order_acquire);
  const std::uint64_t applied = view_.applied.load(std::memory_order_acquire);
  if (applied < commit && !HasBug("lease-read-before-applied")) return false;
  const bool is_over = ports_.clock->Now() >= MonotonicTime{Duration(lease_ns)};
  if (is_over && !HasBug("lease-without-clock")) return false;
  permit = {time_.Current(), LogIndex(applied)};
  return true;
}

void GroupDriver::Impl::TransferLeadership(NodeId to, TransferDone done, TransferReason reason) {
  const bool is_running = Enqueue(Urgency::kNow, [&](Inbox& inbox) {
    inbox.transfers.push_back({.to = to, .done = std::move(done), .reason = reason});
  });
  if (!is_running) done(MakeError(ErrorCode::kUnavailable, "the group does not run on this node"));
}

void GroupDriver::Impl::WhenReplicated(ReplicationWait wait) {
  if (replication_waiting_.fetch_add(1, std::memory_order_relaxed) >= options_.reads_max) {
    replication_waiting_.fetch_sub(1, std::memory_order_relaxed);
    return wait.done(MakeError(ErrorCode::kResourceExhausted, "too many wait (reads_max)"));
  }
  const bool is_running = Enqueue(
      Urgency::kNow, [&](Inbox& inbox) { inbox.replication_waits.push_back(std::move(wait)); });
  if (is_running) return;
  replication_waiting_.fetch_sub(1, std::memory_order_relaxed);
  wait.done(MakeError(ErrorCode::kCancelled, "the node is stopping"));
}

void GroupDriver::Impl::WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) {
  {
    // The apply executor publishes `applied` before it takes this lock to look for waiters, so
    // either it finds this one or this look finds the new value.
    MutexLock lock(mutex_);
    const bool is_past = LogIndex(view_.applied.load(std::memory_order_acquire)) > index;
    if (state_ == State::kRunning) {
      if (is_past || applied_waiters_.size() >= options_.reads_max) {
        return ports_.apply->Post(std::move(done));
      }
      applied_waiters_.push_back({index, std::move(done)});
      return;
    }
  }
  done();
}

void GroupDriver::Impl::OnMessages(std::vector<Message> messages) {
  Enqueue(Urgency::kNow, [&](Inbox& inbox) {
    for (Message& message : messages) {
      std::size_t bytes = sizeof(Message);
      for (const Entry& entry : message.entries) bytes += entry.SizeBytes();
      // Dropping is safe: a lost message is what Raft is made for.
      const bool is_full =
          inbox.messages.size() >= options_.messages_max ||
          (inbox.message_bytes > 0 && inbox.message_bytes + bytes > options_.message_bytes_max);
      if (is_full) continue;
      inbox.message_bytes += bytes;
      inbox.messages.push_back(std::move(message));
    }
  });
}

GroupStatus GroupDriver::Impl::GetStatus() const {
  MutexLock lock(mutex_);
  return status_;
}

void GroupDriver::Impl::OnLeadershipChange(UniqueFunction<void(bool, Term)> listener) {
  leadership_listener_ = std::move(listener);
}

// --- apply executor ---

Status GroupDriver::Impl::DecodeBatch(ApplyBatch& batch) {
  for (CommittedEntry& entry : batch.entries) {
    if (Status decoded = DecodeCommands(group_, entry); !decoded) return decoded;
    if (entry.type != EntryType::kNormal) continue;
    time_.OnApplied(entry.stamp);  // before any result is out: time must not seem to go back
  }
  return {};
}

void GroupDriver::Impl::RunApply(ApplyBatch batch) {
  if (has_apply_failed_) return;
  const LogIndex last = batch.entries.back().index;
  Status status = DecodeBatch(batch);
  if (status) status = state_machine_->Apply(std::move(batch.entries));
  if (!status) {
    has_apply_failed_ = true;
    return ports_.fatal->StopNode(status.error());
  }
  view_.applied.store(last.value(), std::memory_order_release);
  RunAppliedWaiters(false);
  Enqueue(Urgency::kNow, [&](Inbox& inbox) {
    inbox.applied.push_back({last, batch.proposals, batch.proposal_bytes});
  });
}

void GroupDriver::Impl::RunAppliedWaiters(bool all) {
  const LogIndex applied(view_.applied.load(std::memory_order_acquire));
  std::vector<AppliedWaiter> ready;
  {
    MutexLock lock(mutex_);
    if (applied_waiters_.empty()) return;
    std::vector<AppliedWaiter> waiting;
    for (AppliedWaiter& waiter : applied_waiters_) {
      const bool is_ready = all || applied > waiter.index;
      (is_ready ? ready : waiting).push_back(std::move(waiter));
    }
    applied_waiters_ = std::move(waiting);
  }
  for (AppliedWaiter& waiter : ready) waiter.done();
}

void GroupDriver::Impl::RunLoad(LogIndex first, LogIndex end) {
  if (has_apply_failed_) return;
  Result<std::vector<Entry>> entries =
      ReadEntries(group_, *ports_.log, first, end, options_.apply_bytes_max);
  if (!entries) {
    has_apply_failed_ = true;
    return ports_.fatal->StopNode(entries.error());
  }
  Enqueue(Urgency::kNow, [&](Inbox& inbox) { inbox.loaded = *std::move(entries); });
}

// --- log reader executor ---

void GroupDriver::Impl::RunFetch(const FetchRequest& fetch, Term term) {
  Result<std::vector<Entry>> entries =
      ReadEntries(group_, *ports_.log, fetch.first, fetch.end, fetch.bytes_max);
  // Not found: truncated or compacted meanwhile, an empty answer says so. Anything else is a log
  // that cannot be read, and a node must not go on with one.
  if (!entries && entries.error().code() != ErrorCode::kNotFound) {
    return ports_.fatal->StopNode(entries.error());
  }
  FetchedNotice notice{fetch.follower, term, {}};
  if (entries) notice.entries = *std::move(entries);
  Enqueue(Urgency::kNow, [&](Inbox& inbox) { inbox.fetched.push_back(std::move(notice)); });
}

}  // namespace seshat
