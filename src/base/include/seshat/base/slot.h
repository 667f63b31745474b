// Redis Cluster's key slots.
#pragma once

#include <cstdint>
#include <string_view>

#include "seshat/base/strong_id.h"

namespace seshat {

// 0 to 16383.
using Slot = StrongId<struct SlotTag, std::uint16_t>;
inline constexpr std::uint16_t kSlotCount = 16384;

// The slot of `key`: CRC16 of the part between the first '{' and the next '}' if that part is not
// empty, else of the whole key, modulo 16384. Source: Redis Cluster specification, "Hash tags".
Slot SlotOf(std::string_view key);

}  // namespace seshat
