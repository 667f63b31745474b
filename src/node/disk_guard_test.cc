#include "disk_guard.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(DiskGuardTest, LetsWritesThroughUntilItKnowsBetter) {
  EXPECT_FALSE(DiskGuard().Refusal().has_value());
}

TEST(DiskGuardTest, RefusesBelowTheMinimumAndSaysHowMuchIsFree) {
  DiskGuard guard;

  EXPECT_TRUE(guard.Update(kGiB - 1, kGiB));

  EXPECT_EQ(guard.Refusal(), "disk almost full: 1023 MiB free, writes need 1024 MiB");
}

TEST(DiskGuardTest, AcceptsAgainWhenThereIsRoom) {
  DiskGuard guard;
  guard.Update(0, kGiB);

  EXPECT_FALSE(guard.Update(1, kGiB));
  EXPECT_TRUE(guard.Update(kGiB, kGiB));

  EXPECT_FALSE(guard.Refusal().has_value());
}

}  // namespace
}  // namespace seshat
