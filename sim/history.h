// History: what the clients of one register saw, and whether any order of events explains it.
//
// An operation takes effect at one moment between its call and its return (Herlihy, Wing 1990). An
// operation whose outcome is unknown took effect at any time after its call, or never. Because no
// two writes carry the same value, it did exactly if somebody saw its value, and at the latest when
// the first that saw it returned: so no operation stays open for ever and checking stays cheap.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scheduler.h"

namespace seshat {

struct Operation {
  enum class Kind { kRead, kWrite, kCompareAndSet };
  Kind kind = Kind::kRead;
  std::uint64_t written = 0;   // writes and compare-and-sets: unique, not 0
  std::uint64_t expected = 0;  // compare-and-sets
  SimTime called{0};
  // Empty: unknown, for ever.
  std::optional<SimTime> returned;
  std::uint64_t seen = 0;  // returned reads and compare-and-sets: the value before
  std::string where;       // for people: node and way of reading
};

// Checks the operations of one register that starts as 0. Operations that were reported as not
// applied must be left out. Empty: linearizable; else what cannot be explained.
std::optional<std::string> FindAnomaly(std::vector<Operation> operations);

}  // namespace seshat
