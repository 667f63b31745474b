// What the operating system says of this process: for INFO only, never for a decision.
#pragma once

#include <cstdint>
#include <string>

namespace seshat {

struct ProcessUsage {
  std::int64_t process_id = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t resident_bytes_max = 0;
  std::uint64_t memory_total_bytes = 0;  // of the machine
  double user_seconds = 0;
  double system_seconds = 0;
  std::string os;  // "Linux 6.1.0 x86_64"
};

// Threads: thread-safe.
ProcessUsage ReadProcessUsage();

}  // namespace seshat
