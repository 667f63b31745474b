#include "seshat/protocol/io_executor.h"

#include <pthread.h>

#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "seshat/base/mutex.h"

namespace seshat {

class IoExecutor::Loop {
 public:
  Loop(const std::string& thread_name, const Clock& clock) : clock_(clock) {
    thread_ = std::thread([this] { context_.run(); });
    pthread_setname_np(thread_.native_handle(), thread_name.substr(0, 15).c_str());
  }

  void Post(UniqueFunction<void()> task) {
    {
      const MutexLock lock(mutex_);
      if (stopped_) return;
      tasks_.push_back(std::move(task));
      if (std::exchange(woken_, true)) return;
    }
    asio::post(context_, [this] { RunTasks(); });
  }

  void PostAt(MonotonicTime when, UniqueFunction<void()> task) {
    Post([this, when, task = std::move(task)]() mutable {
      timed_.emplace(when, std::move(task));
      if (timed_.begin()->first < armed_for_) ArmTimer();
    });
  }

  void Stop() {
    if (!thread_.joinable()) return;
    Post([this] { context_.stop(); });
    thread_.join();
    const MutexLock lock(mutex_);
    stopped_ = true;
  }

  void SetTurnEnd(UniqueFunction<void()> at_turn_end) { at_turn_end_ = std::move(at_turn_end); }
  asio::io_context& context() { return context_; }

 private:
  void RunTasks() {
    std::vector<UniqueFunction<void()>> tasks;
    {
      const MutexLock lock(mutex_);
      tasks.swap(tasks_);
      woken_ = false;
    }
    for (UniqueFunction<void()>& task : tasks) task();
    EndTurn();
  }

  void ArmTimer() {
    if (timed_.empty()) {
      armed_for_ = kNever;
      return;
    }
    armed_for_ = timed_.begin()->first;
    // A long wait is cut up: the loop's clock stands still while the machine sleeps, ours does not.
    constexpr Duration kWaitMax = std::chrono::seconds(10);
    timer_.expires_after(std::clamp(armed_for_ - clock_.Now(), Duration(0), kWaitMax));
    timer_.async_wait([this](asio::error_code error) {
      if (!error) RunDue();
    });
  }

  void RunDue() {
    // Taken out first: a task that posts for a time already past gets the next turn.
    std::vector<UniqueFunction<void()>> due;
    const auto end = timed_.upper_bound(clock_.Now());
    for (auto it = timed_.begin(); it != end; ++it) due.push_back(std::move(it->second));
    timed_.erase(timed_.begin(), end);
    for (UniqueFunction<void()>& task : due) task();
    ArmTimer();
    EndTurn();
  }

  void EndTurn() {
    if (at_turn_end_) at_turn_end_();
  }

  const Clock& clock_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};

  // Owned by the loop's thread.
  UniqueFunction<void()> at_turn_end_;
  asio::steady_timer timer_{context_};
  std::multimap<MonotonicTime, UniqueFunction<void()>> timed_;
  MonotonicTime armed_for_ = kNever;

  Mutex mutex_;
  std::vector<UniqueFunction<void()>> tasks_ SESHAT_GUARDED_BY(mutex_);
  bool woken_ SESHAT_GUARDED_BY(mutex_) = false;
  bool stopped_ SESHAT_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

IoExecutor::IoExecutor(const std::string& thread_name, const Clock& clock)
    : loop_(std::make_unique<Loop>(thread_name, clock)) {}

IoExecutor::~IoExecutor() {
  Stop();
}

void IoExecutor::Post(UniqueFunction<void()> task) {
  loop_->Post(std::move(task));
}

void IoExecutor::PostAt(MonotonicTime when, UniqueFunction<void()> task) {
  loop_->PostAt(when, std::move(task));
}

void IoExecutor::SetTurnEnd(UniqueFunction<void()> at_turn_end) {
  loop_->SetTurnEnd(std::move(at_turn_end));
}

asio::io_context& IoExecutor::context() {
  return loop_->context();
}

void IoExecutor::Stop() {
  loop_->Stop();
}

}  // namespace seshat
