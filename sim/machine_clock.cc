#include "machine_clock.h"

#include <algorithm>
#include <chrono>

namespace seshat {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kWallAtStartMs = 1'700'000'000'000;
// Nothing that waits longer happens within a run; keeps the products below in 64 bits.
constexpr Duration kHorizon = std::chrono::hours(1);

}  // namespace

SimClock::SimClock(const SimScheduler& scheduler, MonotonicTime at_start, std::int64_t drift_ppm)
    : scheduler_(scheduler), at_start_(at_start), drift_ppm_(drift_ppm) {}

MonotonicTime SimClock::Now() const {
  const std::int64_t elapsed = scheduler_.now().count();
  return at_start_ + Duration(elapsed + elapsed / kMillion * drift_ppm_ +
                              elapsed % kMillion * drift_ppm_ / kMillion);
}

UnixMillis SimClock::WallNow() const {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.now() + wall_offset_);
  return {kWallAtStartMs + elapsed.count()};
}

SimTime SimClock::SimTimeOf(MonotonicTime when) const {
  const MonotonicTime now = Now();
  if (when <= now) return scheduler_.now();
  const std::int64_t wait = std::min(when - now, kHorizon).count();
  // Rounded up, and a little more than that: being late is allowed, being early is not.
  return scheduler_.now() +
         Duration(wait / (kMillion + drift_ppm_) * kMillion +
                  wait % (kMillion + drift_ppm_) * kMillion / (kMillion + drift_ppm_) + 2);
}

}  // namespace seshat
