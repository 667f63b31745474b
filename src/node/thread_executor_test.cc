#include "seshat/node/thread_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "seshat/node/real_ports.h"

namespace seshat {
namespace {

using ::testing::ElementsAre;

constexpr std::chrono::seconds kDeadline{30};

class ThreadExecutorTest : public ::testing::Test {
 protected:
  // Waits until everything posted before has run.
  void Settle() {
    std::promise<void> ran;
    executor_.Post([&ran] { ran.set_value(); });
    ASSERT_EQ(ran.get_future().wait_for(kDeadline), std::future_status::ready);
  }

  SystemClock clock_;
  std::vector<int> ran_;  // touched by the executor until it has settled or stopped
  ThreadExecutor executor_{"test", clock_};
};

TEST_F(ThreadExecutorTest, TasksRunInTheOrderPosted) {
  for (int i = 0; i < 5; ++i) executor_.Post([this, i] { ran_.push_back(i); });

  Settle();

  EXPECT_THAT(ran_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(ThreadExecutorTest, ATaskPostedByATaskRunsAfterItNotInside) {
  executor_.Post([this] {
    executor_.Post([this] { ran_.push_back(2); });
    ran_.push_back(1);
  });

  Settle();
  Settle();

  EXPECT_THAT(ran_, ElementsAre(1, 2));
}

TEST_F(ThreadExecutorTest, TimersRunByTimeNotByOrderOfPosting) {
  std::promise<void> last;
  const MonotonicTime now = clock_.Now();

  executor_.PostAt(now + std::chrono::milliseconds(20), [&] {
    ran_.push_back(2);
    last.set_value();
  });
  executor_.PostAt(now + std::chrono::milliseconds(1), [this] { ran_.push_back(1); });

  ASSERT_EQ(last.get_future().wait_for(kDeadline), std::future_status::ready);
  EXPECT_THAT(ran_, ElementsAre(1, 2));
}

TEST_F(ThreadExecutorTest, ATimerNeverRunsBeforeItsTime) {
  std::promise<MonotonicTime> ran_at;
  const MonotonicTime due = clock_.Now() + std::chrono::milliseconds(5);

  executor_.PostAt(due, [&] { ran_at.set_value(clock_.Now()); });

  EXPECT_GE(ran_at.get_future().get(), due);
}

TEST_F(ThreadExecutorTest, StopRunsWhatWasPostedAndDropsWhatComesLater) {
  executor_.Post([this] { ran_.push_back(1); });
  executor_.PostAt(clock_.Now() + std::chrono::hours(1), [this] { ran_.push_back(3); });

  executor_.Stop();
  executor_.Post([this] { ran_.push_back(2); });
  executor_.Stop();

  EXPECT_THAT(ran_, ElementsAre(1));
}

TEST_F(ThreadExecutorTest, WhatATaskOwnsIsReleasedBeforeTheNextRuns) {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  bool was_released = false;

  executor_.Post([owned = std::move(owned)] {});
  executor_.Post([&] { was_released = watch.expired(); });
  Settle();

  EXPECT_TRUE(was_released);
}

TEST_F(ThreadExecutorTest, PostsFromManyThreadsAllRunOneAtATime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 500; ++j) executor_.Post([this] { ran_.push_back(0); });
    });
  }
  for (std::thread& thread : threads) thread.join();

  Settle();

  EXPECT_EQ(ran_.size(), 2000u);
}

}  // namespace
}  // namespace seshat
