// The log's beginning: what is cut off, and what a follower gets that needs what was.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

std::optional<SnapshotDescriptor> Core::Impl::DescribeAt(LogIndex index) const {
  if (index < log_.snapshot_index() || index > log_.last_index()) return std::nullopt;
  const auto after = std::ranges::upper_bound(configurations_, index, {},
                                              &std::pair<LogIndex, Configuration>::first);
  SESHAT_CHECK(after != configurations_.begin());
  const auto in_force =
      HasBug("members-lost-in-snapshot") ? configurations_.begin() : std::prev(after);
  return SnapshotDescriptor{
      .index = index, .term = log_.TermAt(index), .configuration = in_force->second};
}

void Core::Impl::OnSnapshotKept(SnapshotDescriptor snapshot) {
  kept_snapshot_ = std::move(snapshot);
}

void Core::Impl::Compact(LogIndex to, bool is_forced) {
  // The picture may show what this core has not been told of yet.
  to = HasBug("log-cut-above-applied") ? log_.commit()
                                       : std::min({to, log_.applied(), log_.durable()});
  if (!is_forced) {
    for (const Progress& follower : followers_) {
      const bool answers = now_ < follower.last_contact + options_.election_timeout_max;
      const bool is_taking = follower.state == Progress::State::kSnapshot && follower.offer;
      if (answers && is_taking) to = std::min(to, follower.offer->index);
    }
  }
  if (to <= log_.snapshot_index()) return;
  compact_ = DescribeAt(to);
  SESHAT_CHECK(compact_.has_value());
  log_.CompactTo(to);
  // The last one at or before the log's new beginning is in force there.
  while (configurations_.size() > 1 && configurations_[1].first <= to) {
    configurations_.erase(configurations_.begin());
  }
}

bool Core::Impl::ReachesLog(const std::optional<SnapshotDescriptor>& snapshot) const {
  return snapshot && snapshot->index >= log_.snapshot_index();
}

// The offer goes by reference: the follower comes for the state. Repeated with every heartbeat that
// it answers, as it may get lost; always the same one, as the follower may be half-way through it.
void Core::Impl::OfferSnapshot(Progress& follower) {
  if (follower.state != Progress::State::kSnapshot) follower.BecomeSnapshot();
  if (!ReachesLog(follower.offer)) follower.offer = kept_snapshot_;
  if (!ReachesLog(follower.offer)) return follower.offer.reset();  // until one is taken
  if (HasBug("offered-counts-as-held")) follower.match = follower.offer->index;
  Message offer = NewMessage(MessageType::kSnapshotRequest, follower.id);
  offer.snapshot = follower.offer;
  SendNow(std::move(offer));
}

// The follower cannot take what it was offered: the next offer is of the newest.
void Core::Impl::OnSnapshotResponse(const Message& message) {
  Progress* follower = FindProgress(message.from);
  if (role_ != Role::kLeader || !follower || !follower->offer) return;
  if (message.log_index == follower->offer->index) follower->offer.reset();
}

void Core::Impl::RefuseSnapshot(const SnapshotOffer& offer) {
  Message answer = NewMessage(MessageType::kSnapshotResponse, offer.from);
  answer.reject = true;
  answer.log_index = offer.snapshot.index;
  SendNow(std::move(answer));
}

void Core::Impl::OnSnapshotRequest(Message& message) {
  if (!FollowLeader(message.from)) return;
  const SnapshotDescriptor& snapshot = *message.snapshot;
  const bool is_known = snapshot.index <= log_.commit();
  if (is_known || log_.Matches(snapshot.index, snapshot.term)) {
    // What is in a snapshot is committed, and what is committed every leader has.
    if (!is_known) CommitTo(snapshot.index);
    matched_ = std::max(matched_, log_.commit());
    ack_due_ = true;
    return Acknowledge();
  }
  offer_ = SnapshotOffer{.from = message.from, .snapshot = snapshot};
}

bool Core::Impl::InstallSnapshot(SnapshotDescriptor snapshot, MonotonicTime now) {
  AdvanceTime(now);
  // A leader holds whatever is committed; a candidate with less than that would lose.
  const bool goes_back = HasBug("snapshot-takes-log-back");
  const bool is_known = snapshot.index <= log_.commit() && !goes_back;
  if (is_known || role_ == Role::kLeader) return false;
  if (log_.Matches(snapshot.index, snapshot.term) && !goes_back) {
    CommitTo(snapshot.index);
    return false;
  }
  const bool is_off_by_one = HasBug("snapshot-index-off-by-one");
  log_.RestartAfter(is_off_by_one ? snapshot.index.Next() : snapshot.index, snapshot.term);
  compact_.reset();
  const Configuration former = configuration();
  configurations_.clear();
  configurations_.emplace_back(
      snapshot.index, HasBug("members-not-taken-from-snapshot") ? former : snapshot.configuration);
  install_ = std::move(snapshot);
  if (role_ == Role::kPreCandidate || role_ == Role::kCandidate) {
    BecomeFollower(term_, kNoNode);
  } else {
    role_ = PassiveRole();
  }
  if (leader_ != kNoNode) {
    matched_ = std::max(matched_, install_->index);
    ack_due_ = true;
  }
  return true;
}

}  // namespace seshat
