// A whole simulated run: a cluster, its clients, what goes wrong, and what must hold.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "personality.h"
#include "seshat/base/time.h"

namespace seshat {

enum class SimMode {
  kSafety,    // after the faults everything heals
  kLiveness,  // after the faults only a majority heals; the others stay cut off
};

struct SimOptions {
  std::uint64_t seed = 0;
  std::size_t nodes = 3;
  Duration faults_for = std::chrono::seconds(20);
  // After healing: a leader, a write and on every healed node a read within this.
  Duration recovery_max = std::chrono::seconds(10);
  SimMode mode = SimMode::kSafety;
  std::vector<Fault> without;  // faults that do not happen
  bool prints_trace = false;
};

struct SimReport {
  std::optional<std::string> failure;  // what broke first, and when
  bool is_undecided = false;           // the check of the history would have taken too long
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::uint64_t entries_committed = 0;
  std::uint64_t writes_acknowledged = 0;
  std::uint64_t reads_answered = 0;
  std::uint64_t not_applied = 0;
  std::uint64_t outcomes_unknown = 0;
  std::uint64_t snapshots_installed = 0;
  Duration simulated{0};                  // how long the run took on its own clock
  std::map<Fault, std::uint64_t> faults;  // how often each struck
  Duration recovery{0};                   // how long healing took to show
};

// Threads: thread-safe: runs share nothing.
SimReport RunSimulation(const SimOptions& options);

// "seshat-sim --seed 7 --nodes 3 --seconds 20 --mode safety", and the seeded bug of this process.
std::string ReplayCommand(const SimOptions& options);

}  // namespace seshat
