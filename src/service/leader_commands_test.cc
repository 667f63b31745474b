// What the leader of a shard answers without its log: WAIT and CLUSTER FAILOVER; here, forwarded,
// and for other nodes.
#include "leader_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_node.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::StartsWith;

constexpr NodeId kOther{2};

ForwardReply DoneWith(std::string reply) {
  return {.status = ForwardReply::Status::kDone,
          .leader = kNoNode,
          .replies = {std::move(reply)},
          .message = {}};
}

ForwardReply NotLeader(NodeId leader) {
  return {
      .status = ForwardReply::Status::kNotLeader, .leader = leader, .replies = {}, .message = {}};
}

// What the node asked of another, answered with `reply`.
ForwardRequest AnswerCall(TestNode& node, NodeId expected, const ForwardReply& reply) {
  if (node.transport.calls.empty()) {
    ADD_FAILURE() << "no call";
    return {};
  }
  TestTransport::PendingCall call = node.transport.TakeCall();
  EXPECT_EQ(call.to, expected);
  call.done(EncodeForwardReply(reply));
  node.loop.Run();
  return DecodeForwardRequest(call.request).value();
}

void FinishWait(TestNode& node, Result<std::size_t> holders) {
  ASSERT_FALSE(node.group->replications.empty());
  TestGroup::Replication wait = std::move(node.group->replications.front());
  node.group->replications.pop_front();
  wait.done(std::move(holders));
  node.loop.Run();
}

// Brings a command of another node's client to this one.
std::shared_ptr<std::optional<ForwardReply>> Bring(TestNode& node,
                                                   std::vector<std::string> command) {
  auto answer = std::make_shared<std::optional<ForwardReply>>();
  node.service().forwards().OnCall(
      kOther,
      EncodeForwardRequest({.group = kFirstDataGroup,
                            .commands = {std::move(command)},
                            .version = RespVersion::kResp2,
                            .user = "default",
                            .time_left = milliseconds(70),
                            .request_id = 1}),
      [answer](std::string bytes) { *answer = DecodeForwardReply(bytes).value(); });
  node.loop.Run();
  return answer;
}

TEST(WaitTest, TheLeaderCountsWhoHoldsEverythingWrittenBefore) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "v"});

  EXPECT_EQ(client.Run({"WAIT", "2", "100"}), "");

  ASSERT_EQ(node.group->replications.size(), 1u);
  EXPECT_EQ(node.group->replications[0].index, node.group->AppliedIndex());
  EXPECT_EQ(node.group->replications[0].wanted, 2u);
  EXPECT_EQ(node.group->replications[0].until, node.loop.Now() + milliseconds(100));
  FinishWait(node, 2);
  EXPECT_EQ(client.Received(), ":2\r\n");
}

TEST(WaitTest, WithoutALeaseTheMarkIsAReadIndex) {
  TestNode node;
  TestClient client(node);
  node.group->has_lease = false;
  node.group->grants_at_once = false;

  client.Run({"WAIT", "1", "100"});
  EXPECT_TRUE(node.group->replications.empty());
  node.group->GrantReads();

  FinishWait(node, 1);
  EXPECT_EQ(client.Received(), ":1\r\n");
}

TEST(WaitTest, ForEverIsUntilTheRequestTimeout) {
  TestNode node;
  TestClient first(node);
  TestClient second(node);

  first.Run({"WAIT", "-1", "0"});
  second.Run({"WAIT", "1", "9223372036854775807"});

  ASSERT_EQ(node.group->replications.size(), 2u);
  EXPECT_EQ(node.group->replications[0].wanted, 0u);
  for (const TestGroup::Replication& wait : node.group->replications) {
    EXPECT_EQ(wait.until, node.loop.Now() + seconds(30));
  }
}

TEST(WaitTest, ItWaitsForTheWritesBeforeItAndHoldsUpOnlyItsOwnConnection) {
  TestNode node;
  TestClient client(node);
  TestClient other(node);

  EXPECT_EQ(client.Pipeline({{"SET", "k", "1"}, {"WAIT", "2", "0"}, {"INCR", "k"}, {"PING"}}),
            "+OK\r\n");
  EXPECT_EQ(node.group->replications[0].index, node.group->AppliedIndex());
  EXPECT_EQ(other.Run({"INCR", "k"}), ":2\r\n");

  FinishWait(node, 2);
  EXPECT_EQ(client.Received(), ":2\r\n:3\r\n+PONG\r\n");
}

TEST(WaitTest, ElsewhereTheLeaderIsAskedWithTheTimeThatIsLeft) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"WAIT", "1", "100"});
  const ForwardRequest request = AnswerCall(node, kOther, DoneWith(":1\r\n"));

  EXPECT_EQ(client.Received(), ":1\r\n");
  EXPECT_EQ(request.group, kFirstDataGroup);
  EXPECT_THAT(request.commands, ElementsAre(ElementsAre("WAIT", "1", "100")));
  EXPECT_EQ(request.time_left, milliseconds(100));
}

TEST(WaitTest, ALeaderThatIsNoneIsNotTheEnd) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"WAIT", "1", "1000"});
  AnswerCall(node, kOther, NotLeader(NodeId(3)));
  node.loop.Advance(milliseconds(20));
  const ForwardRequest request = AnswerCall(node, NodeId(3), DoneWith(":1\r\n"));

  EXPECT_EQ(client.Received(), ":1\r\n");
  EXPECT_LT(request.time_left, milliseconds(1000));
}

TEST(WaitTest, LeadershipLostWhileWaitingTheNextLeaderIsAsked) {
  TestNode node;
  TestClient client(node);

  client.Run({"WAIT", "1", "1000"});
  node.group->leader = kOther;
  FinishWait(node, MakeError(ErrorCode::kUnavailable, "not the leader"));
  node.loop.Advance(milliseconds(20));
  AnswerCall(node, kOther, DoneWith(":1\r\n"));

  EXPECT_EQ(client.Received(), ":1\r\n");
}

TEST(WaitTest, WithoutALeaderItEndsInTimeAndInventsNoNumber) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kNoNode;

  client.Run({"WAIT", "1", "100"});
  node.loop.Advance(milliseconds(90));
  EXPECT_EQ(client.Received(), "");
  node.loop.Advance(milliseconds(30));

  EXPECT_EQ(client.Received(), "-CLUSTERDOWN no answer from a leader of shard 1 in time\r\n");
}

TEST(WaitTest, ALeaderThatSaysNothingIsWaitedForALittleLonger) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"WAIT", "1", "100"});
  node.loop.Advance(milliseconds(1100));

  EXPECT_THAT(client.Received(), StartsWith("-CLUSTERDOWN no answer from a leader"));
}

TEST(WaitTest, WhatRedisRefusesIsRefusedAtOnce) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"WAIT", "x", "0"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(client.Run({"WAIT", "1", "x"}), "-ERR timeout is not an integer or out of range\r\n");
  EXPECT_EQ(client.Run({"WAIT", "1", "-1"}), "-ERR timeout is negative\r\n");
}

TEST(WaitTest, ForAnotherNodesClientTheLeaderWaitsAsLongAsThatNodeSays) {
  TestNode node;

  const auto answer = Bring(node, {"WAIT", "2", "100"});

  ASSERT_EQ(node.group->replications.size(), 1u);
  EXPECT_EQ(node.group->replications[0].until, node.loop.Now() + milliseconds(70));
  EXPECT_FALSE(node.service().IsIdle());
  FinishWait(node, 1);
  ASSERT_TRUE(answer->has_value());
  EXPECT_THAT((*answer)->replies, ElementsAre(":1\r\n"));
  EXPECT_TRUE(node.service().IsIdle());
}

TEST(WaitTest, ForAnotherNodesClientALostLeadershipIsSaid) {
  TestNode node;

  const auto answer = Bring(node, {"WAIT", "2", "100"});
  node.group->leader = NodeId(3);
  FinishWait(node, MakeError(ErrorCode::kUnavailable, "not the leader"));

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kNotLeader);
  EXPECT_EQ((*answer)->leader, NodeId(3));
}

TEST(WaitTest, AFullDiskHindersNobodyFromWaiting) {
  TestNode node;
  node.write_refusal = "the disk is full";

  const auto answer = Bring(node, {"WAIT", "0", "100"});
  FinishWait(node, 1);

  EXPECT_THAT((*answer)->replies, ElementsAre(":1\r\n"));
}

TEST(FailoverTest, TheLeaderAnswersAsAMaster) {
  TestNode node;
  TestClient client(node);

  for (const TestClient::Command& command :
       {TestClient::Command{"CLUSTER", "FAILOVER"}, {"CLUSTER", "FAILOVER", "FORCE"}}) {
    EXPECT_EQ(client.Run(command), "-ERR You should send CLUSTER FAILOVER to a replica\r\n");
  }
}

TEST(FailoverTest, TheLeaderIsAskedAndTheAnswerIsOkOnceThisNodeLeads) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"CLUSTER", "FAILOVER"});
  node.group->leader = kNoNode;
  const ForwardRequest request = AnswerCall(node, kOther, DoneWith("+OK\r\n"));
  EXPECT_THAT(request.commands, ElementsAre(ElementsAre("CLUSTER", "FAILOVER")));
  node.loop.Advance(milliseconds(20));
  EXPECT_EQ(client.Received(), "");
  node.group->leader = NodeId(1);
  node.loop.Advance(milliseconds(20));

  EXPECT_EQ(client.Received(), "+OK\r\n");
}

TEST(FailoverTest, AnotherNodeThatWinsInsteadIsNamed) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"CLUSTER", "FAILOVER"});
  AnswerCall(node, kOther, DoneWith("+OK\r\n"));
  EXPECT_EQ(client.Received(), "");  // the word of the old leader is older than its answer
  node.group->leader = NodeId(3);
  node.loop.Advance(milliseconds(20));

  EXPECT_EQ(client.Received(), "-ERR node 3 took over, not this node\r\n");
}

TEST(FailoverTest, WhatTheLeaderRefusesReachesTheClient) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"CLUSTER", "FAILOVER"});
  AnswerCall(node, kOther, DoneWith("-ERR node 1 did not take over in time\r\n"));

  EXPECT_EQ(client.Received(), "-ERR node 1 did not take over in time\r\n");
}

TEST(FailoverTest, FormsThatCouldLoseWritesAreRefused) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  for (const char* option : {"FORCE", "takeover"}) {
    EXPECT_EQ(client.Run({"CLUSTER", "FAILOVER", option}),
              "-ERR CLUSTER FAILOVER without the leader could lose acknowledged writes: only the "
              "coordinated form exists, without FORCE or TAKEOVER\r\n");
  }
  EXPECT_TRUE(node.transport.calls.empty());
}

TEST(FailoverTest, TheLeaderHandsOverToTheNodeThatAsks) {
  TestNode node;

  const auto answer = Bring(node, {"CLUSTER", "FAILOVER"});

  ASSERT_EQ(node.group->transfers.size(), 1u);
  EXPECT_EQ(node.group->transfers[0].first, kOther);
  node.group->leader = kNoNode;
  node.group->transfers[0].second({});
  EXPECT_THAT((*answer)->replies, ElementsAre("+OK\r\n"));
}

TEST(FailoverTest, ALeaderThatGoesOnSaysWhy) {
  TestNode node;

  const auto answer = Bring(node, {"CLUSTER", "FAILOVER"});
  node.group->transfers[0].second(
      MakeError(ErrorCode::kUnavailable, "node 2 did not take over in time"));

  EXPECT_THAT((*answer)->replies, ElementsAre("-ERR node 2 did not take over in time\r\n"));
}

TEST(FailoverTest, OneThatWasNoLeaderByThenPointsElsewhere) {
  TestNode node;

  const auto answer = Bring(node, {"CLUSTER", "FAILOVER"});
  node.group->leader = NodeId(3);
  node.group->transfers[0].second(MakeError(ErrorCode::kUnavailable, "not the leader"));

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kNotLeader);
  EXPECT_EQ((*answer)->leader, NodeId(3));
}

}  // namespace
}  // namespace seshat
