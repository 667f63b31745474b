// The facade of Core, its clock, and the making of Readys.
#include "seshat/raft/core.h"

#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

Core::Impl::Impl(const CoreOptions& options, RestoredState restored, MonotonicTime now)
    : options_(options),
      random_(options.seed),
      now_(now),
      term_(restored.hard_state.term),
      vote_(restored.hard_state.vote),
      promise_(std::max(restored.hard_state.promise, options.stickiness)),
      written_(restored.hard_state),
      durable_(restored.hard_state),
      log_(restored, options.cached_bytes_max,
           options.cached_bytes_max + options.uncommitted_bytes_max),
      restored_promise_until_(now + restored.hard_state.promise),
      sticky_until_(now) {
  SESHAT_CHECK(ValidateCoreOptions(options).has_value());
  SESHAT_CHECK(ValidateRestoredState(restored).has_value());
  configurations_.emplace_back(restored.snapshot.index, std::move(restored.snapshot.configuration));
  if (!HasBug("members-forgotten-on-restart")) {
    for (auto& entry : restored.configurations) configurations_.push_back(std::move(entry));
  }
  // Read rule 7: the leader of before the crash may still count on the promise of then. Nobody
  // counts on a group's only voter, unless it was not alone in a configuration that may still hold.
  const bool is_alone = std::ranges::all_of(LiveConfigurations(), [this](const auto& at) {
    return at.second.IsSingleVoter(options_.id);
  });
  if (restored.is_restart && !is_alone) sticky_until_ = now + promise_;
  if (HasBug("promise-forgotten-on-restart")) sticky_until_ = now;
  role_ = PassiveRole();
  ResetElectionTimer();
  if (configuration().IsSingleVoter(options_.id)) election_deadline_ = sticky_until_;
}

void Core::Impl::AdvanceTime(MonotonicTime now) {
  now_ = std::max(now_, now);
  // The predecessor's promise has run out; from here on only our own can bind us.
  if (promise_ > options_.stickiness && now_ >= restored_promise_until_) {
    promise_ = options_.stickiness;
  }
}

void Core::Impl::Tick(MonotonicTime now) {
  AdvanceTime(now);
  if (role_ != Role::kLeader) {
    if (now_ >= election_deadline_ && MayCampaign()) StartPreVote();
    return;
  }
  if (QuorumContact() + options_.election_timeout_max <= now_ && !HasBug("no-check-quorum")) {
    // Check-quorum: a leader cut off from its followers must stop answering for them.
    BecomeFollower(term_, kNoNode);
    return;
  }
  if (now_ >= transfer_deadline_) transferee_ = kNoNode;
  if (now_ >= heartbeat_due_) heartbeats_due_ = true;
}

MonotonicTime Core::Impl::NextDeadline() const {
  if (role_ != Role::kLeader) return MayCampaign() ? election_deadline_ : kNever;
  if (followers_.empty()) return kNever;
  const MonotonicTime transfer = transferee_ == kNoNode ? kNever : transfer_deadline_;
  return std::min({heartbeat_due_, QuorumContact() + options_.election_timeout_max, transfer});
}

Result<ProposalPosition> Core::Impl::Propose(Payload data, MonotonicTime now) {
  AdvanceTime(now);
  const std::size_t bytes = Entry::kOverheadBytes + (data ? data->size() : 0);
  if (Status may = CheckMayPropose(bytes); !may) return std::unexpected(may.error());
  AppendAsLeader(EntryType::kNormal, std::move(data));
  return ProposalPosition{.term = term_, .index = log_.last_index()};
}

void Core::Impl::Campaign(MonotonicTime now) {
  AdvanceTime(now);
  if (role_ == Role::kLeader || !MayCampaign()) return;
  election_deadline_ = std::max(now_, sticky_until_);
  if (now_ >= election_deadline_) StartPreVote();
}

bool Core::Impl::IsHardStateUnwritten() const {
  if (HasBug("vote-alone-not-written")) return term_ != written_.term;
  return term_ != written_.term || vote_ != written_.vote || promise_ != written_.promise;
}

bool Core::Impl::IsHardStateDurable(Duration promise) const {
  return term_ == durable_.term && vote_ == durable_.vote && promise <= durable_.promise;
}

Message Core::Impl::NewMessage(MessageType type, NodeId to) const {
  Message message;
  message.type = type;
  message.term = term_;
  message.from = options_.id;
  message.to = to;
  return message;
}

void Core::Impl::SendOnceDurable(Message message, Duration promise) {
  auto& queue = IsHardStateDurable(promise) ? messages_ : messages_after_persist_;
  queue.push_back(std::move(message));
}

bool Core::Impl::HasReady() const {
  if (log_.HasUnwritten() || IsHardStateUnwritten()) return true;
  if (!messages_.empty() || !messages_after_persist_.empty()) return true;
  if (!reads_.empty() || !failed_reads_.empty() || !fetches_.empty()) return true;
  if (install_ || compact_ || offer_) return true;
  return role_ == Role::kLeader && (appends_due_ || heartbeats_due_ || IsReadRoundDue());
}

Ready Core::Impl::TakeReady() {
  Ready ready;
  ready.number = ++last_ready_;
  if (role_ == Role::kLeader) {
    if (IsReadRoundDue()) StartReadRound();
    if (heartbeats_due_) BroadcastHeartbeats();
    if (appends_due_) SendAppends();
  }
  TakeWrite(ready);
  ready.messages = std::exchange(messages_, {});
  ready.messages_after_persist = std::exchange(messages_after_persist_, {});
  ready.reads = std::exchange(reads_, {});
  ready.failed_reads = std::exchange(failed_reads_, {});
  ready.fetches = std::exchange(fetches_, {});
  ready.offer = std::exchange(offer_, {});
  return ready;
}

void Core::Impl::TakeWrite(Ready& ready) {
  ready.install = std::exchange(install_, {});
  ready.compact = std::exchange(compact_, {});
  RaftLog::Write write = log_.TakeUnwritten(ready.number);
  ready.truncate_from = write.truncate_from;
  ready.entries = std::move(write.entries);
  // The commit index is only a hint, so it never causes a write; it goes along with one.
  const bool is_moved = !ready.entries.empty() || ready.install.has_value();
  const bool carries_commit = is_moved && log_.commit() != written_.commit;
  if (!IsHardStateUnwritten() && !carries_commit) return;
  written_ = {.term = term_, .vote = vote_, .commit = log_.commit(), .promise = promise_};
  ready.hard_state = written_;
  hard_writes_.push_back({.number = ready.number, .state = written_});
}

void Core::Impl::OnPersisted(std::uint64_t number, MonotonicTime now) {
  AdvanceTime(now);
  SESHAT_CHECK(number > last_persisted_ && number <= last_ready_);
  last_persisted_ = number;
  while (!hard_writes_.empty() && hard_writes_.front().number <= number) {
    durable_ = hard_writes_.front().state;
    hard_writes_.pop_front();
  }
  log_.OnPersisted(number);
  switch (role_) {
    case Role::kLeader:
      CommitByCounting();
      break;
    case Role::kCandidate:
      CountOwnVoteIfDurable();
      break;
    case Role::kFollower:
    case Role::kLearner:
    case Role::kPreCandidate:
      if (ack_due_ && (!last_acked_ || std::min(log_.durable(), matched_) > *last_acked_)) {
        Acknowledge();
      }
      break;
  }
}

void Core::Impl::OnApplied(LogIndex index) {
  log_.AppliedTo(index);
}

CoreStatus Core::Impl::GetStatus() const {
  CoreStatus status{.id = options_.id,
                    .role = role_,
                    .term = term_,
                    .vote = vote_,
                    .leader = leader_,
                    .first_index = log_.first_index(),
                    .last_index = log_.last_index(),
                    .durable_index = log_.durable(),
                    .commit_index = log_.commit(),
                    .applied_index = log_.applied(),
                    .lease_until = LeaseUntil(),
                    .configuration = configuration(),
                    .configuration_index = configurations_.back().first,
                    .followers = {},
                    .needs_snapshot = false};
  for (const Progress& follower : followers_) {
    const bool waits = follower.state == Progress::State::kSnapshot;
    if (waits && !follower.offer && !ReachesLog(kept_snapshot_)) status.needs_snapshot = true;
    status.followers.push_back(
        {.id = follower.id,
         .state = follower.state,
         .match = follower.match,
         .next = follower.next,
         .inflight_messages = follower.inflights.messages(),
         .last_contact = follower.last_contact,
         .recently_active = now_ - follower.last_contact < options_.election_timeout_max,
         .is_learner = !configuration().IsVoter(follower.id)});
  }
  return status;
}

Core::Core(const CoreOptions& options, RestoredState restored, MonotonicTime now)
    : impl_(std::make_unique<Impl>(options, std::move(restored), now)) {}
Core::~Core() = default;

void Core::Tick(MonotonicTime now) {
  impl_->Tick(now);
}
MonotonicTime Core::NextDeadline() const {
  return impl_->NextDeadline();
}
void Core::Step(Message message, MonotonicTime now) {
  impl_->Step(std::move(message), now);
}
Result<ProposalPosition> Core::Propose(Payload data, MonotonicTime now) {
  return impl_->Propose(std::move(data), now);
}
Result<ProposalPosition> Core::ProposeConfiguration(Configuration next, Payload data,
                                                    MonotonicTime now) {
  return impl_->ProposeConfiguration(std::move(next), std::move(data), now);
}
bool Core::MustLeaveJoint() const {
  return impl_->MustLeaveJoint();
}
Status Core::RequestRead(std::uint64_t context, MonotonicTime now) {
  return impl_->RequestRead(context, now);
}
Status Core::TransferLeadership(NodeId to, MonotonicTime now) {
  return impl_->TransferLeadership(to, now);
}
NodeId Core::transferee() const {
  return impl_->transferee();
}
void Core::Campaign(MonotonicTime now) {
  impl_->Campaign(now);
}
bool Core::HasReady() const {
  return impl_->HasReady();
}
Ready Core::TakeReady() {
  return impl_->TakeReady();
}
void Core::OnPersisted(std::uint64_t number, MonotonicTime now) {
  impl_->OnPersisted(number, now);
}
void Core::OnApplied(LogIndex index) {
  impl_->OnApplied(index);
}
void Core::OnFetched(NodeId follower, std::vector<Entry> entries, MonotonicTime now) {
  impl_->OnFetched(follower, std::move(entries), now);
}
std::optional<SnapshotDescriptor> Core::DescribeAt(LogIndex index) const {
  return impl_->DescribeAt(index);
}
void Core::OnSnapshotKept(SnapshotDescriptor snapshot) {
  impl_->OnSnapshotKept(std::move(snapshot));
}
void Core::Compact(LogIndex to, bool is_forced) {
  impl_->Compact(to, is_forced);
}
bool Core::InstallSnapshot(SnapshotDescriptor snapshot, MonotonicTime now) {
  return impl_->InstallSnapshot(std::move(snapshot), now);
}
void Core::RefuseSnapshot(const SnapshotOffer& offer) {
  impl_->RefuseSnapshot(offer);
}
LogIndex Core::ApplicableIndex() const {
  return impl_->log().Applicable();
}
std::vector<Entry> Core::CachedEntries(LogIndex first, LogIndex end, std::size_t bytes_max) const {
  return impl_->log().Cached(first, end, bytes_max);
}
Term Core::TermAt(LogIndex index) const {
  return impl_->log().TermAt(index);
}
MonotonicTime Core::LeaseUntil() const {
  return impl_->LeaseUntil();
}
Role Core::role() const {
  return impl_->role();
}
Term Core::term() const {
  return impl_->term();
}
NodeId Core::leader() const {
  return impl_->leader();
}
LogIndex Core::commit_index() const {
  return impl_->log().commit();
}
bool Core::LeadsWithCommit() const {
  return impl_->LeadsWithCommit();
}
CoreStatus Core::GetStatus() const {
  return impl_->GetStatus();
}

}  // namespace seshat
