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
    Configuration founders;
    founders.voters = {NodeId(1), NodeId(2), NodeId(3)};
    for (const NodeId id : founders.voters) StartNode(id, founders);
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
  SimNode& StartNode(NodeId id, const Configuration& configuration) {
    SimNodeOptions options;
    options.id = id;
    options.configuration = configuration;
    options.nodes = 4;
    options.seed = id.value();
    options.clock_at_start = MonotonicTime{std::chrono::hours(1)};
    options.slow_disk.sustained = std::chrono::seconds(1);
    options.slow_disk.pause = kPause;
    nodes.push_back(std::make_unique<SimNode>(scheduler, network, options, Observer()));
    nodes.back()->Start();
    return *nodes.back();
  }
  // What `node` says to that, once it says something.
  std::string ChangeMembers(SimNode& node, std::vector<NodeId> voters,
                            std::vector<NodeId> learners = {}) {
    std::string answer = "nothing";
    node.driver().ChangeMembers(std::move(voters), std::move(learners), [&](const Status& status) {
      answer = status ? "done" : status.error().message();
    });
    Wait(std::chrono::seconds(1));
    return answer;
  }
  // A client of `node` writes for that long.
  void Write(SimNode& node, Duration span) {
    const auto connection = node.Connect({});
    for (const SimTime end = scheduler.now() + span; scheduler.now() < end;) {
      connection->Send(std::vector<CommandText>{{"SET", "key", "value"}});
      Wait(milliseconds(20));
    }
    connection->HangUp();
  }
  SimNode& AnyBut(const SimNode& node) { return node.id() == NodeId(1) ? *nodes[1] : *nodes[0]; }
  LogIndex Applied(SimNode& node) { return LogIndex(node.driver().view().applied.load()); }
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

  static constexpr Duration kPause = std::chrono::seconds(2);

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

TEST_F(NodesTest, ALeaderWhoseDiskIsSlowHandsOverAndStaysAway) {
  SimNode& slow = WaitForLeader();
  Write(AnyBut(slow), kPause);
  ASSERT_EQ(&WaitForLeader(), &slow);
  const std::uint64_t term = slow.driver().view().term.load();
  slow.disk().SetSyncLatency(milliseconds(300), milliseconds(300));

  Write(AnyBut(slow), std::chrono::seconds(3));
  const SimNode& successor = WaitForLeader();
  Write(AnyBut(slow), 5 * kPause);

  EXPECT_NE(&successor, &slow);
  EXPECT_EQ(&WaitForLeader(), &successor);
  EXPECT_EQ(slow.driver().view().term.load(), term + 1);
  EXPECT_GE(slow.driver().GetStatus().log_sync, milliseconds(300));
  EXPECT_LT(AnyBut(slow).driver().GetStatus().log_sync, milliseconds(50));
}

TEST_F(NodesTest, WhereEveryDiskIsSlowNobodyHandsOver) {
  SimNode& leader = WaitForLeader();
  Write(leader, kPause);
  const std::uint64_t term = leader.driver().view().term.load();
  for (const auto& node : nodes) node->disk().SetSyncLatency(milliseconds(200), milliseconds(300));

  Write(leader, 5 * kPause);

  EXPECT_EQ(leader.driver().view().term.load(), term);
  for (const auto& node : nodes) EXPECT_GE(node->driver().GetStatus().log_sync, milliseconds(200));
}

TEST_F(NodesTest, ALeaderWhoseSyncDoesNotReturnHandsOverAndWritesGoOn) {
  SimNode& stuck = WaitForLeader();
  Write(AnyBut(stuck), kPause);
  stuck.disk().SetSyncLatency(std::chrono::hours(1), std::chrono::hours(1));
  const auto connection = AnyBut(stuck).Connect({});
  connection->Send(std::vector<CommandText>{{"SET", "one", "write"}});  // and none after it

  Wait(std::chrono::seconds(3));
  SimNode& successor = WaitForLeader();
  EXPECT_NE(&successor, &stuck);
  const LogIndex applied = Applied(successor);
  Write(successor, milliseconds(500));

  EXPECT_GT(Applied(successor), applied);
}

TEST_F(NodesTest, ALeaderWithASlowDiskWaitsForAChangeOfMembersToEnd) {
  SimNode& slow = WaitForLeader();
  Write(AnyBut(slow), kPause);
  const std::uint64_t term = slow.driver().view().term.load();
  // The new configuration needs a node that does not exist: the change does not end.
  slow.driver().ChangeMembers({NodeId(1), NodeId(2), NodeId(3), NodeId(4), NodeId(5), NodeId(6)},
                              {}, [](const Status&) {});
  slow.disk().SetSyncLatency(milliseconds(300), milliseconds(300));

  Write(AnyBut(slow), 2 * kPause);

  EXPECT_EQ(slow.driver().view().term.load(), term);
}

TEST_F(NodesTest, ANodeThatJoinsGetsAllThereIsAndThenVotes) {
  SimNode& leader = WaitForLeader();
  SimNode& joining = StartNode(NodeId(4), {});
  Wait(std::chrono::seconds(2));
  EXPECT_EQ(Applied(joining), LogIndex(0));

  EXPECT_EQ(ChangeMembers(leader, {NodeId(1), NodeId(2), NodeId(3)}, {NodeId(4)}), "done");
  EXPECT_EQ(Applied(joining), Applied(leader));
  EXPECT_EQ(ChangeMembers(leader, {NodeId(1), NodeId(2), NodeId(3), NodeId(4)}), "done");

  const Configuration members = joining.driver().GetStatus().core.configuration;
  EXPECT_EQ(members.voters.size(), 4u);
  EXPECT_FALSE(members.IsJoint());
}

// Or it would pass for ready while it lacks all that was written while it was away.
TEST_F(NodesTest, ANodeKnowsHowFarBehindItIsOnceItKnowsItsLeader) {
  SimNode& leader = WaitForLeader();
  Wait(milliseconds(500));
  SimNode& away = leader.id() == NodeId(1) ? *nodes[1] : *nodes[0];
  away.Crash(false);
  const std::vector<NodeId> voters{NodeId(1), NodeId(2), NodeId(3)};
  ASSERT_EQ(ChangeMembers(leader, voters, {NodeId(4)}), "done");
  ASSERT_EQ(ChangeMembers(leader, voters), "done");
  const LogIndex commit = leader.driver().GetStatus().core.commit_index;

  away.Start();
  while (away.driver().GetStatus().core.leader == kNoNode) Wait(milliseconds(1));

  const GroupStatus status = away.driver().GetStatus();
  EXPECT_EQ(status.core.leader, leader.id());
  EXPECT_LT(status.core.commit_index, commit);
  EXPECT_EQ(status.known_commit, commit);
}

TEST_F(NodesTest, ALeaderThatIsRemovedAnswersAndLeadsNoMore) {
  SimNode& leader = WaitForLeader();
  Wait(milliseconds(500));
  std::vector<NodeId> others{NodeId(1), NodeId(2), NodeId(3)};
  std::erase(others, leader.id());

  EXPECT_EQ(ChangeMembers(leader, others), "done");

  EXPECT_FALSE(leader.driver().view().is_leader.load());
  Wait(std::chrono::seconds(2));
  EXPECT_NE(WaitForLeader().id(), leader.id());
}

TEST_F(NodesTest, OneChangeOfMembersAtATime) {
  SimNode& leader = WaitForLeader();
  Wait(milliseconds(500));
  StartNode(NodeId(4), {});
  std::string first;
  leader.driver().ChangeMembers(
      {NodeId(1), NodeId(2), NodeId(3), NodeId(4)}, {},
      [&](const Status& status) { first = status ? "done" : status.error().message(); });

  EXPECT_EQ(ChangeMembers(leader, {NodeId(1), NodeId(2)}),
            "another change of members is under way");

  EXPECT_EQ(first, "done");
  EXPECT_EQ(leader.driver().GetStatus().core.configuration.voters.size(), 4u);
}

TEST_F(NodesTest, MembersAreTheLeadersToChange) {
  SimNode& leader = WaitForLeader();
  Wait(milliseconds(500));
  SimNode& follower = leader.id() == NodeId(1) ? *nodes[1] : *nodes[0];

  EXPECT_EQ(ChangeMembers(follower, {NodeId(1)}), "not the leader");
  EXPECT_NE(ChangeMembers(leader, {}), "done");
}

}  // namespace
}  // namespace seshat
