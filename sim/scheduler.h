// SimScheduler: the one thread of a simulated world.
//
// Events run in order of simulated time, and of scheduling where times are equal, so a run is
// decided by its seed alone. It also keeps the trace: what happened, as a hash that two runs of one
// seed must share, and as text for a person when asked.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/random.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"

namespace seshat {

// Simulated time since the world began; nodes see it through their own SimClock.
using SimTime = Duration;

// Threads: owned by the thread that runs the simulation.
class SimScheduler {
 public:
  SimScheduler(std::uint64_t seed, bool prints_trace);

  SimTime now() const { return now_; }
  Random& random() { return random_; }

  // Runs `task` at `when`, or now if that has passed. Never inside this call.
  void At(SimTime when, UniqueFunction<void()> task);
  void After(Duration delay, UniqueFunction<void()> task) { At(now_ + delay, std::move(task)); }

  // Uniform in [low, high].
  Duration Between(Duration low, Duration high);

  // Runs events up to `until`, or until Halt(); time then stands at `until`.
  void RunUntil(SimTime until);
  // Stops RunUntil after the present event.
  void Halt() { is_halted_ = true; }
  // Drops every event, for the end of the world.
  void Clear();
  bool is_halted() const { return is_halted_; }

  // Adds a fact to the trace.
  void Note(std::string_view what, NodeId node, std::uint64_t a = 0, std::uint64_t b = 0);
  std::uint64_t trace_hash() const { return trace_hash_; }
  std::uint64_t events_run() const { return events_run_; }

 private:
  struct Event {
    SimTime when;
    std::uint64_t number;
    UniqueFunction<void()> task;
  };
  static bool IsLater(const Event& a, const Event& b);

  Random random_;
  const bool prints_trace_;
  SimTime now_{0};
  bool is_halted_ = false;
  std::uint64_t events_run_ = 0;
  std::uint64_t next_number_ = 0;
  std::uint64_t trace_hash_;
  std::vector<Event> events_;  // a heap, the earliest in front
};

}  // namespace seshat
