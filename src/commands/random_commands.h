// Random data commands over few keys, so that they meet. For tests only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "seshat/base/random.h"

namespace seshat {

// How commands give times. Expiries that are due soon need a test that owns the clock.
enum class RandomExpiries { kSoon, kFarOrPast };

// Threads: owned by its test. The same seed gives the same commands.
class RandomCommands {
 public:
  RandomCommands(std::uint64_t seed, RandomExpiries expiries)
      : random_(seed), expiries_(expiries) {}

  // Any write of the table, well-formed or not; FLUSHALL now and then.
  std::vector<std::string> NextWrite();
  // GET, MGET, EXISTS, STRLEN, TYPE, TTL, PTTL.
  std::vector<std::string> NextRead();

  Random& random() { return random_; }

 private:
  std::string Key();
  std::string Data();
  std::string Number();
  // A span in units of `unit_ms`, as the client writes it.
  std::string Span(std::int64_t unit_ms);
  std::vector<std::string> Set();

  Random random_;
  const RandomExpiries expiries_;
};

}  // namespace seshat
