// Nodes on simulated machines, driven step by step: what takes a driver's own timing.
#include "node.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace seshat {
namespace {

using std::chrono::milliseconds;

class NodesTest : public testing::Test {
 protected:
  NodesTest() {
    Configuration configuration;
    for (std::uint64_t id = 1; id <= 3; ++id) configuration.voters.push_back(NodeId(id));
    for (const NodeId id : configuration.voters) {
      SimNodeOptions options;
      options.id = id;
      options.configuration = configuration;
      options.seed = id.value();
      options.clock_at_start = MonotonicTime{std::chrono::hours(1)};
      nodes.push_back(std::make_unique<SimNode>(scheduler, network, options, Observer()));
      nodes.back()->Start();
    }
  }
  ~NodesTest() override {
    for (const auto& node : nodes) node->Crash(false);
    scheduler.Clear();
  }

  static SimNodeObserver Observer() {
    return {.on_leader = [](NodeId, Term, LogIndex) {},
            .on_applied = [](NodeId, const AppliedFact&) {},
            .on_resumed = [] {},
            .on_failure = [](const std::string& what) { ADD_FAILURE() << what; }};
  }
  void Wait(Duration span) { scheduler.RunUntil(scheduler.now() + span); }
  SimNode& WaitForLeader() {
    for (int i = 0; i < 1000; ++i) {
      const auto leader = std::ranges::find_if(
          nodes, [](const auto& node) { return node->driver().view().is_leader.load(); });
      if (leader != nodes.end()) return **leader;
      Wait(milliseconds(10));
    }
    ADD_FAILURE() << "no leader within 10 s";
    return *nodes.front();
  }

  SimScheduler scheduler{1, false};
  SimNetwork network{scheduler};
  std::vector<std::unique_ptr<SimNode>> nodes;
};

TEST_F(NodesTest, ATransferThatEndsAsTheNextOneBeginsIsToldSo) {
  SimNode& leader = WaitForLeader();
  Wait(milliseconds(500));
  SimNode& target = leader.id() == NodeId(1) ? *nodes[1] : *nodes[0];
  std::vector<std::string> answers;
  const auto note = [&](const char* which) {
    return [&answers, which](const Status& status) {
      answers.push_back(std::string(which) + (status ? ": done" : ": failed"));
    };
  };
  network.Cut(leader.id(), target.id());  // the word is lost
  leader.driver().TransferLeadership(target.id(), note("first"));
  Wait(milliseconds(50));
  network.Heal();
  Wait(CoreOptions().election_timeout_max - milliseconds(100));

  // It ends while the process is frozen: the next cycle finds that, and the second request.
  leader.SetPaused(true);
  Wait(milliseconds(100));
  leader.driver().TransferLeadership(target.id(), note("second"));
  leader.SetPaused(false);
  Wait(std::chrono::seconds(2));

  EXPECT_EQ(answers, (std::vector<std::string>{"first: failed", "second: done"}));
}

}  // namespace
}  // namespace seshat
