#include "snapshot_requests.h"

#include <gtest/gtest.h>

#include <future>

#include "seshat/node/real_ports.h"
#include "seshat/node/thread_executor.h"
#include "support/memory_snapshot_store.h"
#include "support/memory_state_store.h"

namespace seshat {
namespace {

using Outcome = SnapshotAnswer::Outcome;

// On a worker that comes round only when it is let.
class SnapshotRequestsTest : public ::testing::Test {
 protected:
  SnapshotRequestsTest() {
    worker_.Post([opened = gate_.get_future()] { opened.wait(); });
  }
  ~SnapshotRequestsTest() override {
    if (!is_open_) OpenGate();
    worker_.Stop();
  }

  void OpenGate() {
    is_open_ = true;
    gate_.set_value();
  }
  SnapshotRequests MakeRequests(Duration wait_max = std::chrono::seconds(30)) {
    return SnapshotRequests(NodeId(3), {.clock = &clock_, .keeper = &keeper_}, wait_max);
  }

  SystemClock clock_;
  MemoryStateStore state_;
  MemorySnapshotStore store_{state_};
  GroupRegistry groups_;
  ThreadExecutor worker_{"snapshots", clock_};
  SnapshotKeeper keeper_{{},
                         {.store = &store_,
                          .groups = &groups_,
                          .clock = &clock_,
                          .worker = &worker_,
                          .may_take = {},
                          .on_taken = {}}};
  std::promise<void> gate_;
  bool is_open_ = false;
};

TEST_F(SnapshotRequestsTest, AFailureIsToldInItsWords) {
  store_.FailTakes(Error(ErrorCode::kResourceExhausted, "the disk is full"));
  SnapshotRequests requests = MakeRequests();
  OpenGate();

  const SnapshotAnswer answer = requests.Create();

  EXPECT_EQ(answer.outcome, Outcome::kFailed);
  EXPECT_EQ(answer.problem, "the disk is full");
  EXPECT_EQ(answer.node, NodeId(3));
}

TEST_F(SnapshotRequestsTest, NobodyWaitsForEverAndASecondOneIsRefusedMeanwhile) {
  SnapshotRequests requests = MakeRequests(std::chrono::milliseconds(1));

  const SnapshotAnswer first = requests.Create();
  const SnapshotAnswer second = requests.Create();

  EXPECT_EQ(first.outcome, Outcome::kFailed);
  EXPECT_EQ(first.problem, "not there after 0 s; it goes on, and the node's log will tell");
  EXPECT_EQ(second.outcome, Outcome::kRefused);
  EXPECT_EQ(second.problem, "a snapshot is being taken already");
}

TEST_F(SnapshotRequestsTest, AStopLetsTheWaitingGo) {
  SnapshotRequests requests = MakeRequests();
  std::future<SnapshotAnswer> waiting =
      std::async(std::launch::async, [&requests] { return requests.Create(); });

  requests.Stop();

  ASSERT_EQ(waiting.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_EQ(waiting.get().problem, "the node is stopping");
}

}  // namespace
}  // namespace seshat
