// Totals: what many runs came to together, and how fast they went.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "simulation.h"

namespace seshat {

// Plain numbers, so that it may lie in memory that processes share.
// Threads: owned by its user.
struct Totals {
  void Add(const SimReport& report);
  Totals& operator+=(const Totals& other);
  // Two lines: simulated time and operations, by the processor's time; and faults by kind.
  std::string Describe() const;

  std::uint64_t runs = 0;
  std::uint64_t undecided = 0;
  Duration simulated{0};
  Duration processor{0};  // of this process until the last Add
  std::uint64_t operations = 0;
  std::uint64_t snapshots_installed = 0;
  std::array<std::uint64_t, 32> faults{};  // by Fault
};

}  // namespace seshat
