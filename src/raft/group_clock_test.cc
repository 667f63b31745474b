#include "group_clock.h"

#include <gtest/gtest.h>

#include "seshat/base/random.h"

namespace seshat {
namespace {

constexpr std::int64_t kEpoch = 1'700'000'000'000;
constexpr std::int64_t kHour = 3'600'000;

MonotonicTime AtMs(std::int64_t ms) {
  return MonotonicTime{std::chrono::milliseconds(ms)};
}

TEST(GroupClockTest, ANewGroupTakesTheWallClockAsItIs) {
  GroupClock clock(UnixMillis{0}, AtMs(100));

  EXPECT_EQ(clock.Advance(AtMs(100), UnixMillis{kEpoch}).value, kEpoch);
}

TEST(GroupClockTest, FollowsAWallClockThatKeepsTime) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));

  EXPECT_EQ(clock.Advance(AtMs(40), UnixMillis{kEpoch + 40}).value, kEpoch + 40);
}

TEST(GroupClockTest, GainsOnAWallClockAheadAtTwiceRealTime) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));

  EXPECT_EQ(clock.Advance(AtMs(1000), UnixMillis{kEpoch + kHour}).value, kEpoch + 2000);
}

TEST(GroupClockTest, GoesOnInRealTimeWhenTheWallClockIsBehind) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));

  EXPECT_EQ(clock.Advance(AtMs(1000), UnixMillis{kEpoch - kHour}).value, kEpoch + 1000);
}

TEST(GroupClockTest, ShortStepsAddUp) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));
  UnixMillis last;

  for (int step = 1; step <= 10'000; ++step) {
    last = clock.Advance(MonotonicTime{std::chrono::microseconds(100) * step}, UnixMillis{0});
  }

  EXPECT_EQ(last.value, kEpoch + 1000);
}

TEST(GroupClockTest, ObservingALaterStampRaisesItAndAnEarlierOneDoesNot) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));

  clock.Observe(UnixMillis{kEpoch + 5000}, AtMs(10));
  clock.Observe(UnixMillis{kEpoch + 1000}, AtMs(20));

  EXPECT_EQ(clock.Reckon(AtMs(20)).value, kEpoch + 5010);
}

TEST(GroupClockTest, ReckoningIgnoresTheWallClock) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));

  EXPECT_EQ(clock.Reckon(AtMs(1000)).value, kEpoch + 1000);
}

TEST(GroupClockTest, ReportsADriftOnce) {
  GroupClock clock(UnixMillis{kEpoch}, AtMs(0));
  EXPECT_EQ(clock.TakeDrift(AtMs(0), UnixMillis{kEpoch}), Duration(0));

  EXPECT_EQ(clock.TakeDrift(AtMs(100), UnixMillis{kEpoch + 600}), Duration(0));
  EXPECT_EQ(clock.TakeDrift(AtMs(200), UnixMillis{kEpoch + 701}), std::chrono::milliseconds(501));
  EXPECT_EQ(clock.TakeDrift(AtMs(300), UnixMillis{kEpoch + 801}), Duration(0));
}

TEST(GroupClockTest, NeverGoesBackAndNeverRunsFasterThanTwiceRealTime) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    GroupClock clock(UnixMillis{kEpoch}, AtMs(0));
    std::int64_t now = 0;
    std::int64_t last = kEpoch;
    for (int step = 0; step < 200; ++step) {
      const auto elapsed = static_cast<std::int64_t>(random.Below(1000));
      const auto shift = static_cast<std::int64_t>(random.Below(2 * kHour)) - kHour;
      now += elapsed;

      const std::int64_t stamp = clock.Advance(AtMs(now), UnixMillis{kEpoch + now + shift}).value;

      ASSERT_GE(stamp, last + elapsed);
      ASSERT_LE(stamp, last + 2 * elapsed);
      last = stamp;
    }
  }
}

TEST(GroupClockTest, SurvivesAbsurdReadings) {
  GroupClock clock(UnixMillis{INT64_MAX}, AtMs(0));

  const UnixMillis first = clock.Advance(AtMs(5), UnixMillis{INT64_MIN});
  const UnixMillis second = clock.Advance(AtMs(1), UnixMillis{INT64_MAX});

  EXPECT_GE(second, first);
}

}  // namespace
}  // namespace seshat
