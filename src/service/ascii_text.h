// Comparing the words of commands, as Redis does: ASCII letters in any case.
#pragma once

#include <algorithm>
#include <string_view>

namespace seshat {

inline char AsciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, AsciiLower, AsciiLower);
}

}  // namespace seshat
