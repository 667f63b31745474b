// IoLane: what the connections of one I/O executor share: the way of completions back to it, the
// watch over deadlines, and the stages that wait for a leader.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "router.h"
#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"

namespace seshat {

class Stage;

// Threads: owned by its executor, except Push (thread-safe).
class IoLane : public std::enable_shared_from_this<IoLane> {
 public:
  IoLane(Executor& executor, const Clock& clock) : executor_(executor), clock_(clock) {}

  // Runs `task` on the executor, soon. All that is pushed before the executor comes round shares
  // one Post. What is pushed is bounded by the stages in flight, one a connection.
  void Push(UniqueFunction<void()> task) SESHAT_EXCLUDES(mutex_);

  // From Watch to Unwatch, `stage` is told when its deadline has passed.
  void Watch(std::shared_ptr<Stage> stage);
  void Unwatch(Stage& stage);
  // `stage` is told every few milliseconds to try again, until it no longer IsParked().
  void Park(std::shared_ptr<Stage> stage);

  // Lets go of every stage. Pre: the executor has stopped.
  void Clear();

  // The newest routing table, looked up without a lock while it does not change.
  const std::shared_ptr<const RoutingTable>& Table(Router& router);

 private:
  void Drain();
  void ArmDeadlines();
  void OnDeadlines();
  void ArmRetries();
  void OnRetries();

  Executor& executor_;
  const Clock& clock_;

  // Owned by the executor.
  std::vector<std::shared_ptr<Stage>> watched_;
  std::vector<std::shared_ptr<Stage>> parked_;
  std::vector<UniqueFunction<void()>> draining_;
  bool deadlines_armed_ = false;
  bool retries_armed_ = false;
  std::shared_ptr<const RoutingTable> table_;
  std::uint64_t table_version_ = 0;

  Mutex mutex_;
  std::vector<UniqueFunction<void()>> pushed_ SESHAT_GUARDED_BY(mutex_);
  bool posted_ SESHAT_GUARDED_BY(mutex_) = false;
};

}  // namespace seshat
