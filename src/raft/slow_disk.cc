#include "slow_disk.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace seshat {
namespace {

constexpr std::size_t kPeriodsMax = 9;
constexpr std::size_t kTypicalRank = 5;  // among the slowest
constexpr std::size_t kReportedRank = 3;

// Whether the group would get on without this leader. If not, its disk slows the group whoever
// leads; and where it does not sync at all, it could not even vote for a successor.
bool OthersAreQuorum(const CoreStatus& status) {
  return status.configuration.HasQuorum([&](NodeId node) {
    return std::ranges::any_of(status.followers, [&](const FollowerStatus& follower) {
      return follower.id == node && follower.recently_active;
    });
  });
}

// Level as far as it matters: what is on its way to it is on its way to all.
bool MayLead(const FollowerStatus& follower, const CoreStatus& status) {
  return !follower.is_learner && follower.recently_active &&
         follower.state == FollowerStatus::State::kReplicate &&
         follower.match >= status.commit_index;
}

}  // namespace

SyncLatency::SyncLatency(Duration period, MonotonicTime now)
    : period_(period), period_end_(now + period) {}

void SyncLatency::OnDurable(Duration took) {
  // At least something: zero stands for no write.
  slowest_ = std::max({slowest_, took, Duration(std::chrono::microseconds(1))});
}

bool SyncLatency::Advance(MonotonicTime now, Duration waited) {
  if (now < period_end_) return false;
  period_end_ = now + period_;
  // One that has just begun says nothing yet: it counts when it ends.
  if (waited >= period_) OnDurable(waited);
  if (slowest_ == Duration::zero()) return false;
  periods_.push_back(slowest_);
  slowest_ = Duration::zero();
  if (periods_.size() > kPeriodsMax) periods_.pop_front();
  if (periods_.size() < kTypicalRank) return true;
  std::vector<Duration> slowest_first(periods_.begin(), periods_.end());
  std::ranges::sort(slowest_first, std::ranges::greater());
  typical_ = slowest_first[kTypicalRank - 1];
  reported_ = slowest_first[kReportedRank - 1];
  return true;
}

void SlowDiskRule::OnReport(NodeId peer, Duration latency) {
  if (latency > Duration::zero()) {
    reported_[peer] = latency;
  } else {
    reported_.erase(peer);
  }
}

std::optional<SlowDiskHandOver> SlowDiskRule::Judge(const SyncLatency& own,
                                                    const CoreStatus& status,
                                                    MonotonicTime leader_since, MonotonicTime now) {
  if (!options_.hands_over || status.role != Role::kLeader || !IsSlow(own)) return std::nullopt;
  if (now < not_before_ || leader_since == kNever || now < leader_since + options_.pause) {
    return std::nullopt;
  }
  const bool do_members_change =
      status.configuration.IsJoint() || status.configuration_index > status.commit_index;
  if (do_members_change || !OthersAreQuorum(status)) return std::nullopt;
  const std::optional<SlowDiskHandOver> found = ChooseSuccessor(own, status);
  if (found) not_before_ = now + options_.pause;
  return found;
}

bool SlowDiskRule::IsSlow(const SyncLatency& own) const {
  return std::min(own.typical(), own.latest()) >= options_.sync_min;
}

std::optional<SlowDiskHandOver> SlowDiskRule::ChooseSuccessor(const SyncLatency& own,
                                                              const CoreStatus& status) const {
  std::optional<SlowDiskHandOver> best;
  for (const FollowerStatus& follower : status.followers) {
    const auto reported = reported_.find(follower.id);
    if (reported == reported_.end() || !MayLead(follower, status)) continue;
    const Duration theirs = reported->second;
    if (own.typical() / static_cast<std::int64_t>(options_.factor) < theirs) continue;
    if (!best || theirs < best->theirs) {
      best = SlowDiskHandOver{.to = follower.id, .own = own.typical(), .theirs = theirs};
    }
  }
  return best;
}

}  // namespace seshat
