#include "seshat/base/random.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

TEST(RandomTest, MatchesTheReferenceSequenceOfSeed0) {
  Random random(0);

  EXPECT_EQ(random.Next(), 0xe220a8397b1dcdafu);
  EXPECT_EQ(random.Next(), 0x6e789e6aa1b965f4u);
}

TEST(RandomTest, BelowStaysInRangeAndReachesEveryValue) {
  Random random(1);
  int seen[7] = {};

  for (int i = 0; i < 7'000; ++i) ++seen[random.Below(7)];

  for (const int count : seen) EXPECT_GT(count, 800);
}

TEST(RandomTest, ChanceOfAllIsCertainAndOfNoneIsImpossible) {
  Random random(2);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(random.Chance(5, 5));
    EXPECT_FALSE(random.Chance(0, 5));
  }
}

}  // namespace
}  // namespace seshat
