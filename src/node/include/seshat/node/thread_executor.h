// ThreadExecutor: the Executor port as one named thread of the operating system.
#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"

namespace seshat {

// Background: clients' requests come first while the processors are busy.
enum class ThreadPriority : std::uint8_t { kNormal, kBackground };

// Takes everything that waits at once and wakes only when it was asleep: one wake per batch. While
// it is asleep a dispatched task runs on the thread that brings it.
// Threads: thread-safe; Stop not from its own thread.
class ThreadExecutor final : public Executor {
 public:
  // `name`: at most 15 characters, as the kernel has it. Lifetime: `clock` outlives it.
  ThreadExecutor(std::string name, const Clock& clock,
                 ThreadPriority priority = ThreadPriority::kNormal);
  // Stops.
  ~ThreadExecutor() override;

  void Post(UniqueFunction<void()> task) override;
  void Dispatch(UniqueFunction<void()> task) override;
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) override;

  // Runs what has been posted, drops timers that are not due, and ends the thread. What is posted
  // later is dropped. May be called twice. Pre: called from no task.
  void Stop();

 private:
  struct Timer {
    MonotonicTime when;
    std::uint64_t number = 0;  // timers of the same moment run in the order posted
    UniqueFunction<void()> task;
  };

  void Run();
  bool BeginDispatch() SESHAT_EXCLUDES(mutex_);
  void EndDispatch() SESHAT_EXCLUDES(mutex_);
  // Waits for work; false when there will be none.
  bool TakeBatch(std::vector<UniqueFunction<void()>>& batch) SESHAT_EXCLUDES(mutex_);
  void MoveDueTimers(std::vector<UniqueFunction<void()>>& batch) SESHAT_REQUIRES(mutex_);

  const std::string name_;
  const Clock& clock_;
  const ThreadPriority priority_;

  Mutex mutex_;
  CondVar wake_;
  std::vector<UniqueFunction<void()>> posted_ SESHAT_GUARDED_BY(mutex_);
  std::vector<Timer> timers_ SESHAT_GUARDED_BY(mutex_);  // a heap, the earliest first
  std::uint64_t timers_posted_ SESHAT_GUARDED_BY(mutex_) = 0;
  bool is_asleep_ SESHAT_GUARDED_BY(mutex_) = false;  // and not yet told to wake
  bool is_dispatching_ SESHAT_GUARDED_BY(mutex_) = false;
  bool wakes_after_dispatch_ SESHAT_GUARDED_BY(mutex_) = false;
  bool is_stopping_ SESHAT_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace seshat
