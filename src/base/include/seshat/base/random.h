// A small seeded generator: the same seed gives the same numbers on every machine, which
// std::uniform_int_distribution does not promise.
#pragma once

#include <cstdint>

namespace seshat {

// SplitMix64. Not for secrets.
// Threads: owned by its user. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next();
  // Uniform in [0, bound). Pre: bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // True with probability `numerator`/`denominator`. Pre: denominator > 0.
  bool Chance(std::uint64_t numerator, std::uint64_t denominator);

 private:
  std::uint64_t state_;
};

}  // namespace seshat
