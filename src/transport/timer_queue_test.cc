#include "timer_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "transport_test_ports.h"

namespace seshat {
namespace {

TEST(TimerQueueTest, RunsTasksInTheOrderOfTheirTimes) {
  BootClock clock;
  Mutex mutex;
  std::vector<int> ran;
  TimerQueue timers(clock);
  const MonotonicTime start = clock.Now();
  const auto note = [&](int which) {
    MutexLock lock(mutex);
    ran.push_back(which);
  };

  timers.At(start + std::chrono::milliseconds(20), [&] { note(2); });
  timers.At(start + std::chrono::milliseconds(10), [&] { note(1); });
  timers.Post([&] { note(0); });

  EXPECT_TRUE(Eventually([&] {
    MutexLock lock(mutex);
    return ran.size() == 3;
  }));
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2}));
}

TEST(TimerQueueTest, ACancelledTaskDoesNotRun) {
  BootClock clock;
  std::atomic<bool> cancelled_ran = false;
  std::atomic<bool> later_ran = false;
  TimerQueue timers(clock);
  const MonotonicTime start = clock.Now();

  const TimerQueue::Id id =
      timers.At(start + std::chrono::milliseconds(30), [&] { cancelled_ran = true; });
  timers.At(start + std::chrono::milliseconds(40), [&] { later_ran = true; });
  timers.Cancel(id);

  EXPECT_TRUE(Eventually([&] { return later_ran.load(); }));
  EXPECT_FALSE(cancelled_ran);
}

TEST(TimerQueueTest, StopRunsWhatWasPostedAndForgetsWhatWasTimed) {
  BootClock clock;
  std::atomic<int> posted = 0;
  std::atomic<bool> timed = false;
  TimerQueue timers(clock);

  timers.At(clock.Now() + std::chrono::hours(1), [&] { timed = true; });
  for (int i = 0; i < 100; ++i) timers.Post([&] { ++posted; });
  timers.Stop();
  timers.Post([&] { ++posted; });

  EXPECT_EQ(posted, 101);
  EXPECT_FALSE(timed);
}

}  // namespace
}  // namespace seshat
