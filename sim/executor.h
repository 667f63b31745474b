// SimExecutor: an Executor on simulated time that can be frozen (SIGSTOP) and killed.
#pragma once

#include <deque>
#include <memory>

#include "machine_clock.h"
#include "scheduler.h"
#include "seshat/ports/executor.h"

namespace seshat {

// Each posted task starts a few simulated microseconds after the one before it, so that other
// nodes' and other executors' events fall in between. Of those dispatched to an idle one, half at
// random run inside the call. Tasks must not kill their own executor. Threads: owned by the
// simulation's thread.
class SimExecutor : public Executor {
 public:
  SimExecutor(SimScheduler& scheduler, const SimClock& clock);
  // Dies.
  ~SimExecutor() override;

  void Post(UniqueFunction<void()> task) override;
  void Dispatch(UniqueFunction<void()> task) override;
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) override;

  // Drops every task, unrun; later ones too. Idempotent.
  void Die();
  // While paused nothing runs; what is due waits.
  void SetPaused(bool is_paused);

 private:
  struct State;
  std::shared_ptr<State> state_;  // events hold it weakly; null once dead
};

}  // namespace seshat
