#include "group_clock.h"

#include <algorithm>

namespace seshat {
namespace {

// Past the year 2200 a stamp no longer fits into nanoseconds: a broken wall clock counts as that.
Duration SinceEpoch(UnixMillis time) {
  constexpr std::int64_t kMillisMax = INT64_MAX / 4 / 1'000'000 * 3;
  return std::chrono::milliseconds(std::clamp<std::int64_t>(time.value, 0, kMillisMax));
}

UnixMillis ToMillis(Duration since_epoch) {
  return {std::chrono::floor<std::chrono::milliseconds>(since_epoch).count()};
}

}  // namespace

GroupClock::GroupClock(UnixMillis start, MonotonicTime now)
    : since_epoch_(SinceEpoch(start)), at_(now), is_set_(start.value > 0) {}

Duration GroupClock::Elapse(MonotonicTime now) {
  if (now <= at_) return Duration(0);
  const Duration elapsed = now - at_;
  at_ = now;
  return elapsed;
}

UnixMillis GroupClock::Advance(MonotonicTime now, UnixMillis wall) {
  const Duration elapsed = Elapse(now);
  const Duration wall_time = SinceEpoch(wall);
  if (!is_set_) {
    since_epoch_ = wall_time;
    is_set_ = true;
  } else {
    since_epoch_ = std::clamp(wall_time, since_epoch_ + elapsed, since_epoch_ + elapsed + elapsed);
  }
  return ToMillis(since_epoch_);
}

UnixMillis GroupClock::Reckon(MonotonicTime now) {
  const Duration elapsed = Elapse(now);
  if (is_set_) since_epoch_ += elapsed;
  return ToMillis(since_epoch_);
}

void GroupClock::Observe(UnixMillis stamp, MonotonicTime now) {
  if (stamp.value <= 0) return;
  since_epoch_ =
      is_set_ ? std::max(since_epoch_ + Elapse(now), SinceEpoch(stamp)) : SinceEpoch(stamp);
  at_ = std::max(at_, now);
  is_set_ = true;
}

Duration GroupClock::TakeDrift(MonotonicTime now, UnixMillis wall) {
  const Duration offset = SinceEpoch(wall) - now.since_boot;
  if (!has_wall_offset_) {
    wall_offset_ = offset;
    has_wall_offset_ = true;
  }
  const Duration drift = offset - wall_offset_;
  if (drift <= kDriftMax && drift >= -kDriftMax) return Duration(0);
  wall_offset_ = offset;
  return drift;
}

}  // namespace seshat
