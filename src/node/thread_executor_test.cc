#include "seshat/node/thread_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

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

  // Dispatches until `task` runs inside the call, which needs the executor's thread to be asleep.
  template <typename Task>
  void DispatchInside(const Task& task) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (true) {
      bool was_inside = false;
      executor_.Dispatch([&, caller = std::this_thread::get_id()] {
        if (std::this_thread::get_id() != caller) return;
        was_inside = true;
        task();
      });
      if (was_inside) return;
      Settle();
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
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

TEST_F(ThreadExecutorTest, OnlyTheThreadInTheBackgroundStandsBack) {
  ThreadExecutor background("behind", clock_, ThreadPriority::kBackground);
  const int own = getpriority(PRIO_PROCESS, 0);
  int usual = 0;
  int behind = 0;

  executor_.Post([&] { usual = getpriority(PRIO_PROCESS, 0); });
  background.Post([&] { behind = getpriority(PRIO_PROCESS, 0); });
  executor_.Stop();
  background.Stop();

  EXPECT_EQ(usual, own);
  EXPECT_GT(behind, own);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
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

TEST_F(ThreadExecutorTest, ADispatchedTaskRunsInsideTheCallWhenTheThreadIsAsleep) {
  DispatchInside([this] { ran_.push_back(1); });

  EXPECT_THAT(ran_, ElementsAre(1));
}

TEST_F(ThreadExecutorTest, ADispatchedTaskWaitsBehindWhatWaits) {
  std::promise<void> begun;
  std::promise<void> go_on;
  executor_.Post([&] {
    begun.set_value();
    go_on.get_future().wait();
    ran_.push_back(1);
  });
  begun.get_future().wait();
  executor_.Post([this] { ran_.push_back(2); });

  executor_.Dispatch([this] { ran_.push_back(3); });
  go_on.set_value();
  Settle();

  EXPECT_THAT(ran_, ElementsAre(1, 2, 3));
}

TEST_F(ThreadExecutorTest, WhatADispatchedTaskBringsRunsAfterItNotInside) {
  DispatchInside([this] {
    executor_.Post([this] { ran_.push_back(2); });
    executor_.Dispatch([this] { ran_.push_back(3); });
    executor_.PostAt(clock_.Now(), [this] { ran_.push_back(4); });
    ran_.push_back(1);
  });
  Settle();
  Settle();

  EXPECT_THAT(ran_, testing::UnorderedElementsAre(1, 2, 3, 4));
  EXPECT_EQ(ran_.front(), 1);
}

TEST_F(ThreadExecutorTest, ATimerThatComesDueDuringADispatchedTaskRunsAfterIt) {
  std::promise<void> timer_ran;
  DispatchInside([&] {
    const MonotonicTime due = clock_.Now() + std::chrono::milliseconds(1);
    executor_.PostAt(due, [&] {
      ran_.push_back(2);
      timer_ran.set_value();
    });
    while (clock_.Now() < due + std::chrono::milliseconds(5)) std::this_thread::yield();
    ran_.push_back(1);
  });

  ASSERT_EQ(timer_ran.get_future().wait_for(kDeadline), std::future_status::ready);
  EXPECT_THAT(ran_, ElementsAre(1, 2));
}

TEST_F(ThreadExecutorTest, ATimerDueBeforeADispatchedTaskBeginsRunsAfterIt) {
  const MonotonicTime due = clock_.Now() + std::chrono::milliseconds(20);
  std::promise<void> timer_ran;
  executor_.PostAt(due, [&] { timer_ran.set_value(); });

  DispatchInside([&] {
    while (clock_.Now() < due + std::chrono::milliseconds(5)) std::this_thread::yield();
  });

  EXPECT_EQ(timer_ran.get_future().wait_for(kDeadline), std::future_status::ready);
}

TEST_F(ThreadExecutorTest, StopWaitsForADispatchedTask) {
  std::atomic<bool> has_ended = false;
  std::promise<void> begun;
  std::thread caller([&] {
    DispatchInside([&] {
      begun.set_value();
      const MonotonicTime end = clock_.Now() + std::chrono::milliseconds(20);
      while (clock_.Now() < end) std::this_thread::yield();
      has_ended = true;
    });
  });
  begun.get_future().wait();

  executor_.Stop();

  EXPECT_TRUE(has_ended);
  caller.join();
}

TEST_F(ThreadExecutorTest, PostedDispatchedAndTimedTasksRunOneAtATime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int j = 0; j < 2000; ++j) {
        if (i == 0) executor_.Post([this] { ran_.push_back(0); });
        if (i == 1) executor_.PostAt(clock_.Now(), [this] { ran_.push_back(0); });
        if (i > 1) executor_.Dispatch([this] { ran_.push_back(0); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  Settle();
  Settle();

  EXPECT_EQ(ran_.size(), 8000u);
}

}  // namespace
}  // namespace seshat
