#include "seshat/base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace seshat {
namespace {

struct Guarded {
  Mutex mutex;
  CondVar changed;
  int value SESHAT_GUARDED_BY(mutex) = 0;
};

TEST(MutexTest, TwoThreadsIncrementWithoutLosingAny) {
  Guarded guarded;
  const auto increment = [&] {
    for (int i = 0; i < 10'000; ++i) {
      MutexLock lock(guarded.mutex);
      ++guarded.value;
    }
  };

  std::thread other(increment);
  increment();
  other.join();

  MutexLock lock(guarded.mutex);
  EXPECT_EQ(guarded.value, 20'000);
}

TEST(MutexTest, AWaiterSeesWhatTheNotifierWrote) {
  Guarded guarded;
  std::thread writer([&] {
    MutexLock lock(guarded.mutex);
    guarded.value = 7;
    guarded.changed.NotifyAll();
  });

  {
    MutexLock lock(guarded.mutex);
    while (guarded.value == 0) guarded.changed.Wait(guarded.mutex);
    EXPECT_EQ(guarded.value, 7);
  }
  writer.join();
}

}  // namespace
}  // namespace seshat
