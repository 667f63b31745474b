#include "group_driver_time.h"

#include <algorithm>
#include <chrono>

namespace seshat {
namespace {

std::int64_t Millis(MonotonicTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.since_boot).count();
}

// The year 2109: later clocks are broken, and nanoseconds up to here fit into 64 bits.
constexpr std::int64_t kWallMsMax = std::int64_t{1} << 42;

}  // namespace

GroupTime::GroupTime(const Clock& clock, UnixMillis start)
    : clock_(clock), group_clock_(start, clock.Now()) {}

UnixMillis GroupTime::Current() {
  const MonotonicTime now = clock_.Now();
  const UnixMillis wall = clock_.WallNow();
  MutexLock lock(mutex_);
  return is_leading_ ? group_clock_.Advance(now, wall) : group_clock_.Reckon(now);
}

void GroupTime::SetLeading(bool is_leading) {
  const MonotonicTime now = clock_.Now();
  MutexLock lock(mutex_);
  // Time spent as a follower must not count towards what the wall clock may gain.
  if (is_leading != is_leading_) group_clock_.Reckon(now);
  is_leading_ = is_leading;
}

void GroupTime::OnApplied(UnixMillis stamp) {
  const MonotonicTime now = clock_.Now();
  MutexLock lock(mutex_);
  group_clock_.Observe(stamp, now);
}

void GroupTime::OnLeaderTime(UnixMillis stamp) {
  const MonotonicTime now = clock_.Now();
  MutexLock lock(mutex_);
  group_clock_.Observe(stamp, now);
  is_agreed_ = true;
  peer_offsets_ms_.clear();
}

void GroupTime::OnPeerWall(NodeId peer, UnixMillis wall, const Configuration& configuration,
                           NodeId self) {
  const MonotonicTime now = clock_.Now();
  const std::int64_t own_offset = clock_.WallNow().value - Millis(now);
  MutexLock lock(mutex_);
  if (is_agreed_) return;
  peer_offsets_ms_[peer] = std::clamp<std::int64_t>(wall.value, 0, kWallMsMax) - Millis(now);
  peer_offsets_ms_[self] = own_offset;

  const auto reckoned_wall = [&](NodeId node) SESHAT_REQUIRES(mutex_) {
    const auto it = peer_offsets_ms_.find(node);
    if (it == peer_offsets_ms_.end()) return MonotonicTime{};
    return MonotonicTime{std::chrono::milliseconds(it->second + Millis(now))};
  };
  const MonotonicTime reached = configuration.QuorumTime(reckoned_wall);
  if (reached <= MonotonicTime{}) return;
  group_clock_.Observe(UnixMillis{Millis(reached)}, now);
  is_agreed_ = true;
  peer_offsets_ms_.clear();
}

bool GroupTime::NeedsAgreement() {
  MutexLock lock(mutex_);
  return !is_agreed_;
}

Duration GroupTime::TakeDrift() {
  const MonotonicTime now = clock_.Now();
  const UnixMillis wall = clock_.WallNow();
  MutexLock lock(mutex_);
  return group_clock_.TakeDrift(now, wall);
}

}  // namespace seshat
