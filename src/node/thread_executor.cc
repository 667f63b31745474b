#include "seshat/node/thread_executor.h"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "seshat/base/check.h"

namespace seshat {
namespace {

// A third of the processor's time where a thread of usual priority wants it too: what runs behind
// clients must not come to a stop under them, or logs would grow and followers stay behind.
constexpr int kBackgroundNice = 5;

// Of this thread alone: Linux knows no priority of a whole process.
void StandBack() {
  ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + kBackgroundNice);
}

// std's heaps keep the greatest first.
constexpr auto kLater = [](const auto& a, const auto& b) {
  return std::pair(a.when, a.number) > std::pair(b.when, b.number);
};

}  // namespace

ThreadExecutor::ThreadExecutor(std::string name, const Clock& clock, ThreadPriority priority)
    : name_(std::move(name)), clock_(clock), priority_(priority), thread_([this] { Run(); }) {
  SESHAT_CHECK_MSG(name_.size() <= 15, name_);
}

ThreadExecutor::~ThreadExecutor() {
  Stop();
}

void ThreadExecutor::Post(UniqueFunction<void()> task) {
  {
    MutexLock lock(mutex_);
    if (is_stopping_) return;
    posted_.push_back(std::move(task));
    if (is_dispatching_ || !std::exchange(is_asleep_, false)) return;
  }
  // Not under the lock: the thread would wake only to wait for it, a second hand-over.
  wake_.NotifyOne();
}

void ThreadExecutor::Dispatch(UniqueFunction<void()> task) {
  if (!BeginDispatch()) return Post(std::move(task));
  task();
  task = nullptr;
  EndDispatch();
}

bool ThreadExecutor::BeginDispatch() {
  MutexLock lock(mutex_);
  // Asleep: the thread runs nothing, and has been woken for nothing that would have to run first.
  if (!is_asleep_ || is_dispatching_ || is_stopping_ || !posted_.empty()) return false;
  is_dispatching_ = true;
  return true;
}

void ThreadExecutor::EndDispatch() {
  {
    MutexLock lock(mutex_);
    is_dispatching_ = false;
    if (posted_.empty() && !wakes_after_dispatch_) return;
    wakes_after_dispatch_ = false;
    is_asleep_ = false;
  }
  wake_.NotifyOne();
}

void ThreadExecutor::PostAt(MonotonicTime when, UniqueFunction<void()> task) {
  {
    MutexLock lock(mutex_);
    if (is_stopping_) return;
    const bool is_earliest = timers_.empty() || when < timers_.front().when;
    timers_.push_back({when, ++timers_posted_, std::move(task)});
    std::push_heap(timers_.begin(), timers_.end(), kLater);
    if (!is_earliest) return;
    if (is_dispatching_) wakes_after_dispatch_ = true;
    if (is_dispatching_ || !std::exchange(is_asleep_, false)) return;
  }
  wake_.NotifyOne();
}

void ThreadExecutor::Stop() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    is_asleep_ = false;
    wake_.NotifyOne();
  }
  if (!thread_.joinable()) return;
  SESHAT_CHECK_MSG(thread_.get_id() != std::this_thread::get_id(), name_);
  thread_.join();
}

void ThreadExecutor::Run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  if (priority_ == ThreadPriority::kBackground) StandBack();
  std::vector<UniqueFunction<void()>> batch;
  while (TakeBatch(batch)) {
    for (UniqueFunction<void()>& task : batch) {
      task();
      task = nullptr;  // what it owns goes before the next one runs
    }
    batch.clear();
  }
}

bool ThreadExecutor::TakeBatch(std::vector<UniqueFunction<void()>>& batch) {
  MutexLock lock(mutex_);
  while (true) {
    if (is_dispatching_) {
      wakes_after_dispatch_ = true;
    } else {
      MoveDueTimers(batch);
      std::ranges::move(posted_, std::back_inserter(batch));
      posted_.clear();
      if (!batch.empty()) return true;
      if (is_stopping_) return false;
    }
    is_asleep_ = true;
    if (timers_.empty() || is_dispatching_) {
      wake_.Wait(mutex_);
    } else {
      // The condition's clock stands still while the machine sleeps; waking then is no hurry.
      (void)wake_.WaitFor(mutex_, timers_.front().when - clock_.Now());
    }
    is_asleep_ = false;
  }
}

void ThreadExecutor::MoveDueTimers(std::vector<UniqueFunction<void()>>& batch) {
  if (timers_.empty()) return;
  const MonotonicTime now = clock_.Now();
  while (!timers_.empty() && timers_.front().when <= now) {
    std::pop_heap(timers_.begin(), timers_.end(), kLater);
    batch.push_back(std::move(timers_.back().task));
    timers_.pop_back();
  }
}

}  // namespace seshat
