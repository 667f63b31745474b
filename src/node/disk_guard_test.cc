#include "disk_guard.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(DiskGuardTest, LetsWritesThroughUntilItKnowsBetter) {
  EXPECT_FALSE(DiskGuard(kGiB, 5).Refusal().has_value());
}

TEST(DiskGuardTest, RefusesBelowTheMinimumAndSaysHowMuchIsFree) {
  DiskGuard guard(kGiB, 5);

  EXPECT_TRUE(guard.Update({.free_bytes = kGiB - 1, .total_bytes = 10 * kGiB}));

  EXPECT_EQ(guard.Refusal(),
            "disk almost full: 1023 MiB free, writes need 1024 MiB (limits.free_disk_bytes_min, "
            "limits.free_disk_percent_min)");
}

TEST(DiskGuardTest, RefusesBelowAShareOfTheWholeDiskToo) {
  DiskGuard guard(kGiB, 5);

  EXPECT_FALSE(guard.Update({.free_bytes = 5 * kGiB, .total_bytes = 100 * kGiB}));
  EXPECT_TRUE(guard.Update({.free_bytes = 5 * kGiB - 1, .total_bytes = 100 * kGiB}));
}

TEST(DiskGuardTest, AcceptsAgainWhenThereIsRoom) {
  DiskGuard guard(kGiB, 0);
  guard.Update({.free_bytes = 0, .total_bytes = kGiB});

  EXPECT_FALSE(guard.Update({.free_bytes = 1, .total_bytes = kGiB}));
  EXPECT_TRUE(guard.Update({.free_bytes = kGiB, .total_bytes = kGiB}));

  EXPECT_FALSE(guard.Refusal().has_value());
}

}  // namespace
}  // namespace seshat
