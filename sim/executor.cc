#include "executor.h"

#include <chrono>
#include <map>
#include <utility>

namespace seshat {

struct SimExecutor::State : std::enable_shared_from_this<SimExecutor::State> {
  State(SimScheduler& s, const SimClock& c) : scheduler(s), clock(c) {}

  void Post(UniqueFunction<void()> task) {
    tasks.push_back(std::move(task));
    ScheduleRun();
  }

  void ScheduleRun() {
    if (is_scheduled || is_paused || tasks.empty()) return;
    is_scheduled = true;
    const Duration latency =
        scheduler.Between(std::chrono::microseconds(1), std::chrono::microseconds(20));
    scheduler.After(latency, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->RunNext();
    });
  }

  void Dispatch(UniqueFunction<void()> task) {
    // A real thread may or may not be idle; here the seed says.
    if (is_running || is_paused || !tasks.empty() || scheduler.random().Below(2) == 0) {
      return Post(std::move(task));
    }
    Run(std::move(task));
  }

  void RunNext() {
    is_scheduled = false;
    if (is_paused || tasks.empty()) return;
    UniqueFunction<void()> task = std::move(tasks.front());
    tasks.pop_front();
    Run(std::move(task));
    ScheduleRun();
  }

  void Run(UniqueFunction<void()> task) {
    is_running = true;
    task();
    is_running = false;
  }

  SimScheduler& scheduler;
  const SimClock& clock;
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) {
    const std::uint64_t number = ++last_timer;
    timers.emplace(number, std::move(task));
    scheduler.At(clock.SimTimeOf(when), [weak = weak_from_this(), number] {
      if (const auto self = weak.lock()) {
        self->Post(std::move(self->timers.extract(number).mapped()));
      }
    });
  }

  std::deque<UniqueFunction<void()>> tasks;
  std::map<std::uint64_t, UniqueFunction<void()>> timers;  // not due yet
  std::uint64_t last_timer = 0;
  bool is_scheduled = false;
  bool is_running = false;
  bool is_paused = false;
};

SimExecutor::SimExecutor(SimScheduler& scheduler, const SimClock& clock)
    : state_(std::make_shared<State>(scheduler, clock)) {}

SimExecutor::~SimExecutor() {
  Die();
}

void SimExecutor::Die() {
  // Destroying a task may post to this executor: such posts go down with it.
  state_.reset();
}

void SimExecutor::Post(UniqueFunction<void()> task) {
  if (state_) state_->Post(std::move(task));
}

void SimExecutor::Dispatch(UniqueFunction<void()> task) {
  if (const auto state = state_) state->Dispatch(std::move(task));
}

void SimExecutor::PostAt(MonotonicTime when, UniqueFunction<void()> task) {
  if (state_) state_->PostAt(when, std::move(task));
}

void SimExecutor::SetPaused(bool is_paused) {
  if (!state_) return;
  state_->is_paused = is_paused;
  state_->ScheduleRun();
}

}  // namespace seshat
