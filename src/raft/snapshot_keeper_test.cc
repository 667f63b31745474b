// What a keeper says of its snapshots, on a node without groups: those with groups are in the
// service's driver_integration_test, and in the simulator.
#include "seshat/raft/snapshot_keeper.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "support/memory_snapshot_store.h"
#include "support/memory_state_store.h"

namespace seshat {
namespace {

class ManualClock final : public Clock {
 public:
  MonotonicTime Now() const override { return now; }
  UnixMillis WallNow() const override { return {now.since_boot.count() / 1'000'000}; }

  MonotonicTime now{std::chrono::seconds(100)};
};

class ManualExecutor final : public Executor {
 public:
  void Post(UniqueFunction<void()> task) override { tasks.push_back(std::move(task)); }
  void PostAt(MonotonicTime, UniqueFunction<void()>) override {}

  void Run() {
    while (!tasks.empty()) {
      UniqueFunction<void()> task = std::move(tasks.front());
      tasks.pop_front();
      task();
    }
  }

  std::deque<UniqueFunction<void()>> tasks;
};

class SnapshotKeeperTest : public testing::Test {
 protected:
  SnapshotKeeper MakeKeeper() {
    return SnapshotKeeper({}, {.store = &store,
                               .groups = &groups,
                               .clock = &clock,
                               .worker = &worker,
                               .may_take =
                                   [this] {
                                     clock.now = clock.now + std::chrono::seconds(3);
                                     return may_take;
                                   },
                               .on_taken =
                                   [this](const Status& taken, const std::string&, Duration) {
                                     log.push_back(taken ? "" : taken.error().message());
                                   }});
  }
  SnapshotKeeper::Done Tell(std::string& outcome) {
    return [&outcome](const Status& taken) { outcome = taken ? "kept" : taken.error().message(); };
  }

  MemoryStateStore state;
  MemorySnapshotStore store{state};
  GroupRegistry groups;
  ManualClock clock;
  ManualExecutor worker;
  Status may_take;
  std::vector<std::string> log;
};

TEST_F(SnapshotKeeperTest, OfTwoCallersOneTakesEvenBeforeTheWorkerComesRound) {
  SnapshotKeeper keeper = MakeKeeper();
  std::string first;
  std::string second;

  EXPECT_TRUE(keeper.TakeNow(Tell(first)));
  EXPECT_FALSE(keeper.TakeNow(Tell(second)));

  EXPECT_EQ(second, "a snapshot is being taken already");
  EXPECT_EQ(first, "");
  EXPECT_TRUE(keeper.status().is_taking);
  EXPECT_EQ(keeper.status().taking_since, clock.now);
  worker.Run();
  EXPECT_EQ(first, "nothing is applied yet");
  EXPECT_FALSE(keeper.status().is_taking);
  EXPECT_TRUE(keeper.TakeNow(Tell(first)));
}

TEST_F(SnapshotKeeperTest, WithoutRoomItFailsAndSaysWhyToAll) {
  SnapshotKeeper keeper = MakeKeeper();
  may_take = MakeError(ErrorCode::kResourceExhausted, "7 MiB of disk are free");
  std::string outcome;
  EXPECT_FALSE(keeper.status().last_took.has_value());

  keeper.TakeNow(Tell(outcome));
  worker.Run();

  EXPECT_EQ(outcome, "7 MiB of disk are free");
  EXPECT_EQ(log, std::vector<std::string>{"7 MiB of disk are free"});
  const SnapshotKeeperStatus status = keeper.status();
  EXPECT_TRUE(status.has_last_failed);
  EXPECT_EQ(status.last_took, std::chrono::seconds(3));
  EXPECT_EQ(status.taken, 0u);
  EXPECT_EQ(status.last_kept_at, UnixMillis{});
}

TEST_F(SnapshotKeeperTest, AStoreThatFailsIsTheCallersToHear) {
  SnapshotKeeper keeper = MakeKeeper();
  store.FailTakes(Error(ErrorCode::kIo, "cannot link"));
  std::string outcome;

  keeper.TakeNow(Tell(outcome));
  worker.Run();

  EXPECT_EQ(outcome, "cannot link");
  EXPECT_TRUE(keeper.status().has_last_failed);
}

TEST_F(SnapshotKeeperTest, OneFoundAtStartIsTheLastOneKept) {
  ASSERT_TRUE(store.Keep(*store.Take(UnixMillis{5000}), LogIndex(12), {}).has_value());

  const SnapshotKeeperStatus status = MakeKeeper().status();

  EXPECT_EQ(status.last_kept_at, UnixMillis{5000});
  EXPECT_EQ(status.last_name, "snapshot-12");
  EXPECT_EQ(status.last_size_bytes, MemorySnapshotStore::kSizeBytes);
  EXPECT_EQ(status.taken, 0u);
  EXPECT_FALSE(status.has_last_failed);
}

TEST_F(SnapshotKeeperTest, OnceStoppedItTakesNoMoreAndBlocksNobody) {
  SnapshotKeeper keeper = MakeKeeper();
  keeper.Stop();
  std::string outcome;

  EXPECT_TRUE(keeper.TakeNow(Tell(outcome)));
  worker.Run();

  EXPECT_EQ(outcome, "the node is stopping");
  EXPECT_FALSE(keeper.status().is_taking);
  EXPECT_FALSE(keeper.status().has_last_failed);
}

}  // namespace
}  // namespace seshat
