#include "seshat/protocol/io_executor.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "tcp_test_support.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

TEST(IoExecutorTest, TasksRunInTheOrderPostedOnANamedThread) {
  const BootClock clock;
  IoExecutor executor("io-7", clock);
  std::vector<int> order;
  std::string name(16, '\0');

  for (int i = 0; i < 100; ++i) executor.Post([&order, i] { order.push_back(i); });
  executor.Post([&] { pthread_getname_np(pthread_self(), name.data(), name.size()); });
  executor.Stop();

  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_STREQ(name.c_str(), "io-7");
}

TEST(IoExecutorTest, TasksPostedWhileBusyShareATurn) {
  const BootClock clock;
  IoExecutor executor("io", clock);
  std::atomic<int> turns{0};
  executor.SetTurnEnd([&] { ++turns; });
  std::promise<void> posted;

  executor.Post([&] { posted.get_future().wait(); });
  for (int i = 0; i < 1000; ++i) executor.Post([] {});
  posted.set_value();
  executor.Stop();

  EXPECT_LE(turns.load(), 3);
}

TEST(IoExecutorTest, ATaskNeverRunsInsidePost) {
  const BootClock clock;
  IoExecutor executor("io", clock);
  std::vector<int> order;
  std::promise<void> done;

  executor.Post([&] {
    executor.Post([&] {
      order.push_back(2);
      done.set_value();
    });
    order.push_back(1);
  });
  done.get_future().wait();

  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(IoExecutorTest, TimedTasksRunInTimeOrderAndNotEarly) {
  const BootClock clock;
  IoExecutor executor("io", clock);
  const MonotonicTime start = clock.Now();
  std::vector<int> order;
  std::promise<MonotonicTime> last;

  executor.PostAt(start + milliseconds(20), [&] {
    order.push_back(2);
    last.set_value(clock.Now());
  });
  executor.PostAt(start + milliseconds(10), [&] { order.push_back(1); });
  executor.PostAt(start - milliseconds(10), [&] { order.push_back(0); });

  EXPECT_GE(last.get_future().get(), start + milliseconds(20));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(IoExecutorTest, StopDropsWhatIsPostedLater) {
  const BootClock clock;
  IoExecutor executor("io", clock);
  const auto owned = std::make_shared<int>(1);
  executor.PostAt(kNever, [owned] {});

  executor.Stop();
  executor.Post([owned] { FAIL(); });

  EXPECT_LE(owned.use_count(), 2);
}

}  // namespace
}  // namespace seshat
