// Integers in arguments and values, exactly as Redis takes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace seshat {

// Decimal, 64 bits: no blanks, no plus sign, no leading zeros, no "-0". Source: Redis 7.0,
// string2ll.
std::optional<std::int64_t> ParseInteger(std::string_view text);

}  // namespace seshat
