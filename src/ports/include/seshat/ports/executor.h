// Where work runs: one thread of control, in order.
#pragma once

#include <utility>

#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"

namespace seshat {

// Tasks never run concurrently with one another; those posted or dispatched from one thread run in
// that order. Bounding what waits is the poster's duty.
// Threads: thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Never runs `task` inside the call.
  virtual void Post(UniqueFunction<void()> task) = 0;
  // As Post, but runs `task` inside the call where that is possible: when nothing runs here and
  // nothing waits. It saves waking a thread.
  // Pre: the caller holds no lock that `task` may want.
  virtual void Dispatch(UniqueFunction<void()> task) { Post(std::move(task)); }
  // Runs `task` at or soon after `when`. Cannot be cancelled: the task must tolerate being late.
  virtual void PostAt(MonotonicTime when, UniqueFunction<void()> task) = 0;
};

}  // namespace seshat
