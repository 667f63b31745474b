// LogSizes against a plain list of sizes.
#include "log_sizes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>
#include <vector>

namespace seshat {
namespace {

LogSizes SizesOf(std::uint64_t first, const std::vector<std::size_t>& sizes) {
  LogSizes log{LogIndex(first)};
  for (const std::size_t size : sizes) log.Append(size);
  return log;
}

TEST(LogSizesTest, ATailIsTheNewestRecordsThatFit) {
  const LogSizes log = SizesOf(5, {10, 20, 30, 40});

  EXPECT_EQ(log.TailStart(1000), LogIndex(5));
  EXPECT_EQ(log.TailStart(99), LogIndex(6));
  EXPECT_EQ(log.TailStart(70), LogIndex(7));
  EXPECT_EQ(log.TailStart(69), LogIndex(8));
  EXPECT_EQ(log.TailStart(0), LogIndex(9));
}

TEST(LogSizesTest, AnEmptyLogHasAnEmptyTail) {
  const LogSizes log(LogIndex(7));

  EXPECT_EQ(log.TailStart(100), LogIndex(7));
  EXPECT_EQ(log.BytesFrom(LogIndex(3)), 0u);
}

RC_GTEST_PROP(LogSizesTest, KeepsWhatIsLeftAfterCuts, (std::vector<std::uint16_t> drawn)) {
  std::vector<std::size_t> sizes(drawn.begin(), drawn.end());
  LogSizes log = SizesOf(1, sizes);
  const auto keep_to = *rc::gen::inRange<std::size_t>(0, sizes.size() + 1);
  const auto cut_to = *rc::gen::inRange<std::size_t>(0, keep_to + 1);

  log.TruncateFrom(LogIndex(keep_to + 1));
  log.CutBefore(LogIndex(cut_to + 1));

  const auto sum = [&](std::size_t from) {
    return std::accumulate(sizes.begin() + static_cast<std::ptrdiff_t>(from),
                           sizes.begin() + static_cast<std::ptrdiff_t>(keep_to), std::uint64_t{0});
  };
  RC_ASSERT(log.first() == LogIndex(cut_to + 1));
  RC_ASSERT(log.total() == sum(cut_to));
  for (std::size_t from = cut_to; from <= keep_to; ++from) {
    RC_ASSERT(log.BytesFrom(LogIndex(from + 1)) == sum(from));
  }
}

}  // namespace
}  // namespace seshat
