#include "io_lane.h"

#include <chrono>
#include <utility>

#include "stage.h"

namespace seshat {
namespace {

constexpr Duration kDeadlineInterval = std::chrono::milliseconds(500);
constexpr Duration kRetryInterval = std::chrono::milliseconds(10);

}  // namespace

void IoLane::Push(UniqueFunction<void()> task) {
  {
    MutexLock lock(mutex_);
    pushed_.push_back(std::move(task));
    if (posted_) return;
    posted_ = true;
  }
  executor_.Post([self = shared_from_this()] { self->Drain(); });
}

void IoLane::Drain() {
  {
    MutexLock lock(mutex_);
    draining_.swap(pushed_);
    posted_ = false;
  }
  for (UniqueFunction<void()>& task : draining_) task();
  draining_.clear();
}

void IoLane::Watch(std::shared_ptr<Stage> stage) {
  stage->watch_index_ = watched_.size();
  watched_.push_back(std::move(stage));
  ArmDeadlines();
}

void IoLane::Unwatch(Stage& stage) {
  const std::size_t index = stage.watch_index_;
  std::swap(watched_[index], watched_.back());
  watched_[index]->watch_index_ = index;
  watched_.pop_back();
}

void IoLane::ArmDeadlines() {
  if (deadlines_armed_ || watched_.empty()) return;
  deadlines_armed_ = true;
  executor_.PostAt(clock_.Now() + kDeadlineInterval,
                   [self = shared_from_this()] { self->OnDeadlines(); });
}

void IoLane::OnDeadlines() {
  deadlines_armed_ = false;
  const MonotonicTime now = clock_.Now();
  std::vector<std::shared_ptr<Stage>> late;
  for (const std::shared_ptr<Stage>& stage : watched_) {
    if (stage->deadline() <= now) late.push_back(stage);
  }
  for (const std::shared_ptr<Stage>& stage : late) stage->OnDeadline();
  ArmDeadlines();
}

void IoLane::Park(std::shared_ptr<Stage> stage) {
  parked_.push_back(std::move(stage));
  ArmRetries();
}

void IoLane::ArmRetries() {
  if (retries_armed_ || parked_.empty()) return;
  retries_armed_ = true;
  executor_.PostAt(clock_.Now() + kRetryInterval,
                   [self = shared_from_this()] { self->OnRetries(); });
}

void IoLane::OnRetries() {
  retries_armed_ = false;
  std::vector<std::shared_ptr<Stage>> parked = std::move(parked_);
  parked_.clear();
  for (std::shared_ptr<Stage>& stage : parked) stage->Retry();
  ArmRetries();
}

void IoLane::Clear() {
  watched_.clear();
  parked_.clear();
  MutexLock lock(mutex_);
  pushed_.clear();
}

const std::shared_ptr<const RoutingTable>& IoLane::Table(Router& router) {
  router.Refresh(table_, table_version_);
  return table_;
}

}  // namespace seshat
