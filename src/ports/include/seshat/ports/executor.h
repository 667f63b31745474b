// Where work runs: one thread of control, in order.
#pragma once

#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"

namespace seshat {

// Tasks never run concurrently with one another; those posted from one thread run in the order
// posted, never inside Post itself. Bounding what is posted is the poster's duty.
// Threads: thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual void Post(UniqueFunction<void()> task) = 0;
  // Runs `task` at or soon after `when`. Cannot be cancelled: the task must tolerate being late.
  virtual void PostAt(MonotonicTime when, UniqueFunction<void()> task) = 0;
};

}  // namespace seshat
