// Integers and patterns as clients write them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "seshat/commands/glob_pattern.h"
#include "seshat/commands/integer_text.h"

namespace seshat {
namespace {

using std::string_literals::operator""s;

RC_GTEST_PROP(IntegerTextProperty, EveryIntegerParsesFromItsOwnText, (std::int64_t value)) {
  RC_ASSERT(ParseInteger(std::to_string(value)) == value);
}

TEST(IntegerTextTest, TheEdgesOf64BitsParseAndWhatLiesBeyondDoesNot) {
  EXPECT_EQ(ParseInteger("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ParseInteger("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(ParseInteger("9223372036854775808"), std::nullopt);
  EXPECT_EQ(ParseInteger("-9223372036854775809"), std::nullopt);
  EXPECT_EQ(ParseInteger("100000000000000000000"), std::nullopt);
}

TEST(IntegerTextTest, OnlyTheShortestSpellingCounts) {
  for (const std::string& text : {""s, "-"s, "+1"s, " 1"s, "1 "s, "01"s, "-0"s, "-01"s, "1.0"s,
                                  "1e3"s, "0x1"s, "--1"s, "1\0"s, "one"s}) {
    EXPECT_EQ(ParseInteger(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseInteger("0"), 0);
}

bool Matches(std::string_view pattern, std::string_view text) {
  return MatchesGlob(pattern, text, LetterCase::kExact);
}

TEST(GlobPatternTest, StarsMatchAnyRun) {
  EXPECT_TRUE(Matches("*", ""));
  EXPECT_TRUE(Matches("a*c", "abbbc"));
  EXPECT_TRUE(Matches("a**c", "ac"));
  EXPECT_TRUE(Matches("*a*b*", "xxaxxbxx"));
  EXPECT_FALSE(Matches("*a*b", "ba"));
  EXPECT_TRUE(Matches("a*ab", "aabab"));
}

TEST(GlobPatternTest, QuestionMarksMatchOneByte) {
  EXPECT_TRUE(Matches("h?llo", "hello"));
  EXPECT_FALSE(Matches("h?llo", "hllo"));
  EXPECT_FALSE(Matches("?", ""));
}

TEST(GlobPatternTest, ClassesMatchTheirMembers) {
  EXPECT_TRUE(Matches("h[ae]llo", "hallo"));
  EXPECT_FALSE(Matches("h[ae]llo", "hillo"));
  EXPECT_TRUE(Matches("h[a-c]llo", "hbllo"));
  EXPECT_TRUE(Matches("h[c-a]llo", "hbllo"));
  EXPECT_FALSE(Matches("h[^e]llo", "hello"));
  EXPECT_TRUE(Matches("h[^e]llo", "hxllo"));
  EXPECT_TRUE(Matches("[\\]]", "]"));
  EXPECT_TRUE(Matches("[ab", "b"));
  EXPECT_FALSE(Matches("[", "["));
}

TEST(GlobPatternTest, ABackslashTakesTheNextByteLiterally) {
  EXPECT_TRUE(Matches("\\*", "*"));
  EXPECT_FALSE(Matches("\\*", "x"));
  EXPECT_TRUE(Matches("a\\", "a\\"));
}

TEST(GlobPatternTest, LetterCaseCountsUnlessIgnored) {
  EXPECT_FALSE(Matches("GET*", "getex"));
  EXPECT_TRUE(MatchesGlob("GE[R-T]*", "getex", LetterCase::kIgnored));
}

TEST(GlobPatternTest, ManyStarsTakeNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 500; ++i) pattern += "a*";

  EXPECT_FALSE(Matches(pattern + "b", std::string(1000, 'a')));
}

RC_GTEST_PROP(GlobPatternProperty, AnyPatternEnds, (const std::string& pattern)) {
  Matches(pattern, "some text");
  RC_ASSERT(Matches("*" + std::string("some") + "*", "awesome text"));
}

}  // namespace
}  // namespace seshat
