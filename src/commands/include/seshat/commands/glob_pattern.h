// Redis's glob-style patterns: `*`, `?`, `[a-z]`, `[^a]`, `\` before a literal.
#pragma once

#include <string_view>

namespace seshat {

enum class LetterCase { kExact, kIgnored };

// Takes time in proportion to the product of the lengths at worst.
// Source: Redis command page of KEYS.
bool MatchesGlob(std::string_view pattern, std::string_view text, LetterCase letter_case);

}  // namespace seshat
