// Snapshots in the driver: the log is cut behind one that is kept, and one that a leader offers is
// fetched and put in the place of log and state.
//
// The installation in order: fetched and compared on the worker; then nothing more is handed to the
// state machine, and when it has come to rest the core drops its log; one write of the log store
// swaps state and log, in order with all log writes before and after it; the state machine begins
// anew; applying goes on. A crash anywhere leaves the old state or the new.
#include <utility>

#include <fmt/format.h>

#include "group_driver_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"
#include "state_codec.h"

namespace seshat {

// --- any thread ---

void GroupDriver::Impl::DescribeAt(LogIndex index, DescribeDone done) {
  Enqueue(Urgency::kBatched, [&](Inbox& inbox) {
    inbox.describes.push_back({.index = index, .done = std::move(done)});
  });
}

void GroupDriver::Impl::OnSnapshotKept(SnapshotDescriptor snapshot) {
  Enqueue(Urgency::kBatched, [&](Inbox& inbox) { inbox.kept = std::move(snapshot); });
}

void GroupDriver::Impl::RemoveCompacted() {
  ports_.snapshot_worker->Post([log = ports_.log, group = group_] { log->RemoveCompacted(group); });
}

// --- raft executor ---

void GroupDriver::Impl::HandleSnapshots(Inbox& inbox, MonotonicTime now) {
  for (DescribeRequest& request : inbox.describes) request.done(core_.DescribeAt(request.index));
  if (inbox.kept) OnKept(*std::move(inbox.kept));
  if (inbox.fetched_state) OnFetchedState(*std::move(inbox.fetched_state), now);
  if (inbox.is_reopened) OnReopened();
  InstallIfIdle(now);
}

void GroupDriver::Impl::OnKept(SnapshotDescriptor snapshot) {
  if (snapshot.index < snapshot_index_) return;  // one that came in has overtaken it
  const LogIndex to =
      std::min(snapshot.index, log_sizes_.TailStart(options_.log_tail_bytes).Previous());
  snapshot_index_ = snapshot.index;
  bytes_since_snapshot_ = log_sizes_.BytesFrom(snapshot.index.Next());
  core_.OnSnapshotKept(std::move(snapshot));
  core_.Compact(to, log_sizes_.total() > options_.log_bytes_max);
}

void GroupDriver::Impl::TakeUpOffer(SnapshotOffer offer, MonotonicTime now) {
  // One at a time: who is half-way through one gets on sooner with what it has, unless nobody is
  // there to give it the rest.
  if (fetch_ && offer.from != fetch_->offer().from) fetch_->Supersede();
  if (ports_.snapshots == nullptr || fetch_ || staged_ || now < fetch_not_before_) return;
  Report(SnapshotEvent::Kind::kFetching, offer);
  fetch_ = std::make_shared<SnapshotFetch>(group_, offer, state_machine_->NewAudit(),
                                           options_.snapshot_fetch,
                                           SnapshotFetchPorts{.worker = ports_.snapshot_worker,
                                                              .clock = ports_.clock,
                                                              .transport = ports_.transport,
                                                              .store = ports_.snapshots});
  fetch_->Begin([weak = weak_from_this(), offer](Result<std::shared_ptr<IncomingState>> state) {
    const auto self = weak.lock();
    if (!self) return;
    self->Enqueue(Urgency::kBatched, [&](Inbox& inbox) {
      inbox.fetched_state = FetchedState{.offer = offer, .state = std::move(state)};
    });
  });
}

void GroupDriver::Impl::OnFetchedState(FetchedState fetched, MonotonicTime now) {
  fetch_.reset();
  if (!fetched.state) {
    // In the place of one that is gone the leader offers another.
    if (fetched.state.error().code() != ErrorCode::kNotFound) {
      fetch_not_before_ = now + options_.snapshot_fetch.pause_after_failure;
    }
    Report(SnapshotEvent::Kind::kFailed, fetched.offer, fetched.state.error().message());
    return core_.RefuseSnapshot(fetched.offer);
  }
  staged_ = std::move(fetched.offer);
  staged_state_ = *std::move(fetched.state);
}

void GroupDriver::Impl::InstallIfIdle(MonotonicTime now) {
  if (!staged_ || install_number_ != 0 || apply_batches_out_ > 0 || is_loading_) return;
  if (core_.InstallSnapshot(staged_->snapshot, now)) return;  // the next Ready says so
  staged_.reset();
  ReleaseOnWorker(std::move(staged_state_));
}

void GroupDriver::Impl::AddInstallTo(LogWrite& write, const Ready& ready) {
  const SnapshotDescriptor& snapshot = *ready.install;
  SESHAT_CHECK(staged_ && snapshot == staged_->snapshot);
  install_number_ = ready.number;
  snapshot_index_ = snapshot.index;
  bytes_since_snapshot_ = 0;
  write.install = std::move(staged_state_);
  write.start = LogStart{.first_index = snapshot.index.Next(),
                         .snapshot_row = EncodeSnapshotMetadata(snapshot, ports_.clock->WallNow())};
}

void GroupDriver::Impl::ReopenIfInstalled(std::uint64_t persisted) {
  if (install_number_ == 0 || persisted != install_number_) return;
  ports_.apply->Post(
      [self = shared_from_this(), index = staged_->snapshot.index] { self->RunReopen(index); });
}

void GroupDriver::Impl::OnReopened() {
  next_apply_ = staged_->snapshot.index.Next();
  core_.OnApplied(staged_->snapshot.index);
  Report(SnapshotEvent::Kind::kInstalled, *staged_);
  staged_.reset();
  install_number_ = 0;
  ++snapshots_installed_;
}

void GroupDriver::Impl::Report(SnapshotEvent::Kind kind, const SnapshotOffer& offer,
                               std::string why) const {
  if (!ports_.on_snapshot) return;
  ports_.on_snapshot({.kind = kind,
                      .group = group_,
                      .from = offer.from,
                      .index = offer.snapshot.index,
                      .why = std::move(why)});
}

// Removing what it has written blocks.
void GroupDriver::Impl::ReleaseOnWorker(std::shared_ptr<IncomingState> state) {
  ports_.snapshot_worker->Post([state = std::move(state)]() mutable { state.reset(); });
}

// --- apply executor ---

void GroupDriver::Impl::RunReopen(LogIndex index) {
  if (has_apply_failed_) return;
  Status reopened = HasBug("old-state-served") ? Status() : state_machine_->Reopen();
  if (reopened && state_machine_->AppliedIndex() != index && !HasBug("old-state-served")) {
    reopened = MakeError(
        ErrorCode::kCorruption,
        fmt::format("group {}: the installed state stands at entry {}, not at {}", group_.value(),
                    state_machine_->AppliedIndex().value(), index.value()));
  }
  if (!reopened) {
    has_apply_failed_ = true;
    return ports_.fatal->StopNode(reopened.error());
  }
  time_.OnApplied(state_machine_->GroupClock());
  view_.applied.store(index.value(), std::memory_order_release);
  RunAppliedWaiters(false);
  Enqueue(Urgency::kNow, [&](Inbox& inbox) { inbox.is_reopened = true; });
}

}  // namespace seshat
