// The only way to the time of day and to elapsed time.
#pragma once

#include "seshat/base/time.h"

namespace seshat {

// Threads: thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Monotonic, goes on during suspend (CLOCK_BOOTTIME): leases and deadlines.
  virtual MonotonicTime Now() const = 0;
  // The wall clock: may jump either way. Only for stamping proposals and for display.
  virtual UnixMillis WallNow() const = 0;
};

}  // namespace seshat
