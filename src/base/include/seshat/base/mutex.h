// The one mutex of the project, annotated so that clang's -Wthread-safety can check its use
// (libstdc++'s own has no annotations).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define SESHAT_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define SESHAT_THREAD_ATTRIBUTE(x)
#endif

#define SESHAT_GUARDED_BY(m) SESHAT_THREAD_ATTRIBUTE(guarded_by(m))
#define SESHAT_REQUIRES(...) SESHAT_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define SESHAT_EXCLUDES(...) SESHAT_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace seshat {

// Threads: thread-safe. Not recursive.
class SESHAT_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void Lock() SESHAT_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void Unlock() SESHAT_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds `mutex` for its own lifetime.
class SESHAT_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SESHAT_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() SESHAT_THREAD_ATTRIBUTE(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Threads: thread-safe. Waits may wake spuriously: test the condition in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) SESHAT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when `timeout` passed without a wake-up.
  bool WaitFor(Mutex& mutex, std::chrono::nanoseconds timeout) SESHAT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_for(lock, timeout) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace seshat
