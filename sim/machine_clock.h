// SimClock: one machine's clocks, as far from the truth as real ones are.
#pragma once

#include "scheduler.h"
#include "seshat/ports/clock.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class SimClock : public Clock {
 public:
  // `drift_ppm`: how much faster than simulated time the monotonic clock runs, in millionths.
  SimClock(const SimScheduler& scheduler, MonotonicTime at_start, std::int64_t drift_ppm);

  MonotonicTime Now() const override;
  UnixMillis WallNow() const override;

  // The earliest simulated time at which Now() is at least `when`.
  SimTime SimTimeOf(MonotonicTime when) const;
  // The monotonic clock stood still for that long.
  void FallBehind(Duration by) { at_start_ = at_start_ - by; }
  // Moves the wall clock, either way.
  void JumpWall(Duration by) { wall_offset_ += by; }

 private:
  const SimScheduler& scheduler_;
  MonotonicTime at_start_;
  const std::int64_t drift_ppm_;
  Duration wall_offset_{0};
};

}  // namespace seshat
