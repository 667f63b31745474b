#include <gtest/gtest.h>

#include <type_traits>

#include "seshat/base/ids.h"

namespace seshat {
namespace {

TEST(StrongIdTest, IdsOfDifferentKindsDoNotMix) {
  static_assert(!std::is_convertible_v<Term, LogIndex>);
  static_assert(!std::is_convertible_v<std::uint64_t, NodeId>);
  static_assert(!std::is_constructible_v<Term, LogIndex>);
}

TEST(StrongIdTest, NextAndPreviousStepByOne) {
  EXPECT_EQ(LogIndex(4).Next(), LogIndex(5));
  EXPECT_EQ(LogIndex(4).Previous(), LogIndex(3));
  EXPECT_LT(LogIndex(4), LogIndex(4) + 3);
}

}  // namespace
}  // namespace seshat
