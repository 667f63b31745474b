// Points and spans of time. Nothing here reads a clock: time is passed in (ports/clock.h).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace seshat {

using Duration = std::chrono::nanoseconds;

// A reading of a monotonic clock that goes on while the machine sleeps (CLOCK_BOOTTIME); comparable
// only with readings taken on the same node since its boot.
struct MonotonicTime {
  Duration since_boot{0};

  constexpr auto operator<=>(const MonotonicTime&) const = default;
  constexpr MonotonicTime operator+(Duration span) const { return {since_boot + span}; }
  constexpr MonotonicTime operator-(Duration span) const { return {since_boot - span}; }
  constexpr Duration operator-(MonotonicTime other) const { return since_boot - other.since_boot; }
};
inline constexpr MonotonicTime kNever{Duration::max()};

// Milliseconds since the Unix epoch: the unit of every expiry and of a log entry's stamp.
struct UnixMillis {
  std::int64_t value = 0;
  constexpr auto operator<=>(const UnixMillis&) const = default;
};

}  // namespace seshat
