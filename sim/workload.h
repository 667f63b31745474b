// Workload: the commands that simulated clients send, as the seed would have it.
#pragma once

#include <cstdint>
#include <string>

#include "connection.h"
#include "key_model.h"
#include "seshat/base/random.h"

namespace seshat {

// A few keys, so that clients meet: four strings, a counter, and two keys that are read and written
// together. Every value is new, so that a reply says which write it saw.
// Threads: owned by the simulation's thread.
class Workload {
 public:
  KeyCommand Next(Random& random);

 private:
  KeyCommand OfString(Random& random, std::string key);
  KeyCommand OfCounter(Random& random);
  KeyCommand OfSeveral(Random& random);
  std::string NewValue() { return "v" + std::to_string(++last_value_); }

  std::uint64_t last_value_ = 0;
};

// As a client sends it.
CommandText TextOf(const KeyCommand& command);

}  // namespace seshat
