// The limits that decide what applying a command gives. They come from the replicated settings,
// never from one node's configuration: all replicas must agree.
#pragma once

#include <cstdint>

namespace seshat {

struct ReplicatedLimits {
  std::uint64_t key_bytes_max = std::uint64_t{64} << 10;
  std::uint64_t value_bytes_max = std::uint64_t{16} << 20;
};

}  // namespace seshat
