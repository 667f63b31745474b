// Randomness from outside: real entropy in a node, the seed's stream in a simulation.
#pragma once

#include <cstdint>

namespace seshat {

// Threads: thread-safe.
class Rng {
 public:
  virtual ~Rng() = default;

  virtual std::uint64_t Next() = 0;
};

}  // namespace seshat
