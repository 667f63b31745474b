// The transport's one thread of its own: back-off, handshake and call deadlines.
//
// Calls want a deadline each, nearly always cancelled, set from any thread: for that the timers of
// the sockets' loop, which are its thread's own, would each cost a wake-up.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"

namespace seshat {

// Runs tasks one after another, outside its lock. Bounding what is queued is the poster's duty.
// Threads: thread-safe.
class TimerQueue {
 public:
  using Task = UniqueFunction<void()>;
  struct Id {
    MonotonicTime when;
    std::uint64_t sequence = 0;
    auto operator<=>(const Id&) const = default;
  };

  // Lifetime: `clock` must outlive this.
  explicit TimerQueue(Clock& clock);
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Runs `task` at or soon after `when`, unless stopped before.
  Id At(MonotonicTime when, Task task);
  // No effect if the task has begun or has run.
  void Cancel(Id id);
  // Runs `task` as soon as possible, whatever happens; on the caller's thread once stopped.
  void Post(Task task);

  // Runs what was posted, forgets what was timed, and waits for the thread. Idempotent.
  void Stop();

 private:
  void Run();
  // Moves what is to run now, in order. False when stopped and nothing posted is left.
  bool WaitForWork(std::deque<Task>& work);

  Clock& clock_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> posted_ SESHAT_GUARDED_BY(mutex_);
  std::map<Id, Task> timed_ SESHAT_GUARDED_BY(mutex_);
  std::uint64_t next_sequence_ SESHAT_GUARDED_BY(mutex_) = 0;
  bool stopped_ SESHAT_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace seshat
