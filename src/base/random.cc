#include "seshat/base/random.h"

#include "seshat/base/check.h"

namespace seshat {

std::uint64_t Random::Next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::uint64_t Random::Below(std::uint64_t bound) {
  SESHAT_CHECK(bound > 0);
  // Values past the last whole multiple of `bound` would favour small results.
  const std::uint64_t limit = bound * (UINT64_MAX / bound);
  std::uint64_t value = Next();
  while (value >= limit) value = Next();
  return value % bound;
}

bool Random::Chance(std::uint64_t numerator, std::uint64_t denominator) {
  return Below(denominator) < numerator;
}

}  // namespace seshat
