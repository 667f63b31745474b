#include "timer_queue.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

namespace seshat {
namespace {

// Waits use the C library's clock, which stops while the machine sleeps; the port's clock does
// not. Looking again this often bounds how late a deadline can be noticed after a sleep.
constexpr Duration kLongestWait = std::chrono::seconds(1);

}  // namespace

TimerQueue::TimerQueue(Clock& clock) : clock_(clock), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "transport-timer");
}

TimerQueue::~TimerQueue() {
  Stop();
}

TimerQueue::Id TimerQueue::At(MonotonicTime when, Task task) {
  MutexLock lock(mutex_);
  const Id id{when, next_sequence_++};
  if (stopped_) return id;
  const auto place = timed_.emplace(id, std::move(task)).first;
  // Most deadlines lie behind one that the thread already waits for: no wake-up.
  if (place == timed_.begin()) changed_.NotifyOne();
  return id;
}

void TimerQueue::Cancel(Id id) {
  Task forgotten;
  MutexLock lock(mutex_);
  const auto place = timed_.find(id);
  if (place == timed_.end()) return;
  forgotten = std::move(place->second);
  timed_.erase(place);
}

void TimerQueue::Post(Task task) {
  {
    MutexLock lock(mutex_);
    if (!stopped_) {
      posted_.push_back(std::move(task));
      changed_.NotifyOne();
      return;
    }
  }
  task();
}

void TimerQueue::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool TimerQueue::WaitForWork(std::deque<Task>& work) {
  std::map<Id, Task> forgotten;
  MutexLock lock(mutex_);
  for (;;) {
    work.swap(posted_);
    if (stopped_) {
      forgotten.swap(timed_);
      return !work.empty();
    }
    const MonotonicTime now = clock_.Now();
    while (!timed_.empty() && timed_.begin()->first.when <= now) {
      work.push_back(std::move(timed_.begin()->second));
      timed_.erase(timed_.begin());
    }
    if (!work.empty()) return true;
    const Duration wait =
        timed_.empty() ? kLongestWait : std::min(kLongestWait, timed_.begin()->first.when - now);
    changed_.WaitFor(mutex_, wait);
  }
}

void TimerQueue::Run() {
  std::deque<Task> work;
  while (WaitForWork(work)) {
    for (Task& task : work) task();
    work.clear();
  }
}

}  // namespace seshat
