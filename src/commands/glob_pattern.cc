#include "seshat/commands/glob_pattern.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "ascii_case.h"

namespace seshat {
namespace {

// Walks a pattern one element at a time: a literal, `?` or a class; never a star.
// Threads: immutable.
class ElementMatcher {
 public:
  ElementMatcher(std::string_view pattern, LetterCase letter_case)
      : pattern_(pattern), ignore_case_(letter_case == LetterCase::kIgnored) {}

  // Whether the element at `at` matches `c`; moves `at` behind the element.
  bool Matches(std::size_t& at, char c) const {
    switch (pattern_[at]) {
      case '?':
        ++at;
        return true;
      case '[':
        ++at;
        return MatchesClass(at, c);
      case '\\':
        if (at + 1 < pattern_.size()) ++at;
        [[fallthrough]];
      default:
        return Equal(pattern_[at++], c);
    }
  }

 private:
  unsigned char Fold(char c) const {
    return static_cast<unsigned char>(ignore_case_ ? ToLower(c) : c);
  }
  bool Equal(char a, char b) const { return Fold(a) == Fold(b); }

  // A class that is not closed ends with the pattern.
  bool MatchesClass(std::size_t& at, char c) const {
    const bool negated = at < pattern_.size() && pattern_[at] == '^';
    if (negated) ++at;
    bool matched = false;
    for (; at < pattern_.size() && pattern_[at] != ']'; ++at) {
      if (pattern_[at] == '\\' && at + 1 < pattern_.size()) {
        ++at;
        matched |= pattern_[at] == c;
      } else if (at + 2 < pattern_.size() && pattern_[at + 1] == '-') {
        const auto [low, high] = std::minmax(pattern_[at], pattern_[at + 2]);
        matched |= Fold(low) <= Fold(c) && Fold(c) <= Fold(high);
        at += 2;
      } else {
        matched |= Equal(pattern_[at], c);
      }
    }
    if (at < pattern_.size()) ++at;
    return matched != negated;
  }

  std::string_view pattern_;
  bool ignore_case_;
};

}  // namespace

bool MatchesGlob(std::string_view pattern, std::string_view text, LetterCase letter_case) {
  const ElementMatcher matcher(pattern, letter_case);
  std::size_t at = 0;
  std::size_t position = 0;
  // Behind the last star, and what of the text that star has eaten: an earlier star never needs
  // to be tried again.
  std::size_t star = std::string_view::npos;
  std::size_t star_position = 0;
  while (position < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      star_position = position;
    } else if (at < pattern.size() && matcher.Matches(at, text[position])) {
      ++position;
    } else if (star != std::string_view::npos) {
      at = star;
      position = ++star_position;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace seshat
