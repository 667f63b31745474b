// What becomes of writes when this node does not lead, or stops leading: forwarding, parking,
// "not applied" and "outcome unknown". Source: ADR 0007.
#include <gtest/gtest.h>

#include "test_node.h"

namespace seshat {
namespace {

constexpr NodeId kOther{2};
constexpr NodeId kThird{3};

std::string Done(std::vector<std::string> replies) {
  return EncodeForwardReply({.status = ForwardReply::Status::kDone,
                             .leader = kNoNode,
                             .replies = std::move(replies),
                             .message = {}});
}

std::string NotLeader(NodeId leader) {
  return EncodeForwardReply(
      {.status = ForwardReply::Status::kNotLeader, .leader = leader, .replies = {}, .message = {}});
}

TEST(WriteOutcomesTest, WritesGoToTheLeaderInOneCallAndItsBytesComeBackAsTheyAre) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Pipeline({{"SET", "k", "v"}, {"INCR", "n"}});
  TestTransport::PendingCall call = node.transport.TakeCall();
  EXPECT_EQ(call.kind, CallKind::kForward);
  const Result<ForwardRequest> request = DecodeForwardRequest(call.request);
  call.done(Done({"+OK\r\n", ":41\r\n"}));
  node.loop.Run();

  EXPECT_EQ(call.to, kOther);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->group, kFirstDataGroup);
  EXPECT_EQ(request->commands,
            (std::vector<std::vector<std::string>>{{"SET", "k", "v"}, {"INCR", "n"}}));
  EXPECT_EQ(request->time_left, std::chrono::seconds(30));
  EXPECT_EQ(client.Received(), "+OK\r\n:41\r\n");
}

TEST(WriteOutcomesTest, ANodeThatDoesNotLeadPointsAtAnotherWhichIsAsked) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"SET", "k", "v"});
  node.transport.TakeCall().done(NotLeader(kThird));
  node.loop.Run();
  TestTransport::PendingCall second = node.transport.TakeCall();
  second.done(Done({"+OK\r\n"}));
  node.loop.Run();

  EXPECT_EQ(second.to, kThird);
  EXPECT_EQ(client.Received(), "+OK\r\n");
}

TEST(WriteOutcomesTest, TwoNodesThatPointAtEachOtherAreNotAskedWithoutEnd) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"SET", "k", "v"});
  for (int i = 0; i < 10 && !node.transport.calls.empty(); ++i) {
    node.transport.TakeCall().done(NotLeader(i % 2 == 0 ? kThird : kOther));
    node.loop.Run();
  }

  EXPECT_TRUE(node.transport.calls.empty());
  EXPECT_EQ(client.Received(), "");
}

TEST(WriteOutcomesTest, ACallThatWasNotSentIsTriedAgain) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"SET", "k", "v"});
  node.transport.TakeCall().done(MakeError(ErrorCode::kUnavailable, "not connected"));
  node.loop.Advance(std::chrono::milliseconds(20));
  node.transport.TakeCall().done(Done({"+OK\r\n"}));
  node.loop.Run();

  EXPECT_EQ(client.Received(), "+OK\r\n");
}

TEST(WriteOutcomesTest, ACallThatBrokeAfterSendingIsNeverRepeated) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Pipeline({{"INCR", "k"}, {"INCR", "k"}});
  node.transport.TakeCall().done(MakeError(ErrorCode::kOutcomeUnknown, "the stream broke"));
  node.loop.Advance(std::chrono::seconds(40));

  EXPECT_EQ(client.Received(),
            "-UNKNOWN outcome: the stream broke\r\n-UNKNOWN outcome: the stream broke\r\n");
  EXPECT_TRUE(node.transport.calls.empty());
}

TEST(WriteOutcomesTest, AnAnswerThatDoesNotFitLeavesTheOutcomeUnknown) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Pipeline({{"INCR", "k"}, {"INCR", "k"}});
  node.transport.TakeCall().done(Done({":1\r\n"}));
  node.loop.Run();

  EXPECT_TRUE(client.Received().starts_with("-UNKNOWN outcome: node 2 answered 1 of 2"));
}

TEST(WriteOutcomesTest, AFullWayToTheLeaderIsTriedAgainAndInTheEndNamed) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;

  client.Run({"SET", "k", "v"});
  int attempts = 0;
  while (!node.transport.calls.empty()) {
    ++attempts;
    node.transport.TakeCall().done(MakeError(ErrorCode::kResourceExhausted, "64 MiB in flight"));
    node.loop.Advance(std::chrono::milliseconds(10));
  }

  EXPECT_GT(attempts, 10);
  EXPECT_EQ(client.Received(), "-TRYAGAIN 64 MiB in flight; not applied\r\n");
}

TEST(WriteOutcomesTest, ABusyLeaderIsAskedAgainAndInTheEndNamed) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kOther;
  const std::string busy = EncodeForwardReply({.status = ForwardReply::Status::kBusy,
                                               .leader = kNoNode,
                                               .replies = {},
                                               .message = "64 MiB in flight on node 2"});

  client.Run({"SET", "k", "v"});
  node.transport.TakeCall().done(busy);
  node.loop.Advance(std::chrono::milliseconds(10));
  node.transport.TakeCall().done(Done({"+OK\r\n"}));
  node.loop.Run();
  EXPECT_EQ(client.Received(), "+OK\r\n");

  client.Run({"SET", "k", "v"});
  int attempts = 0;
  while (!node.transport.calls.empty()) {
    ++attempts;
    node.transport.TakeCall().done(busy);
    node.loop.Advance(std::chrono::milliseconds(10));
  }
  EXPECT_GT(attempts, 10);
  EXPECT_EQ(client.Received(), "-TRYAGAIN 64 MiB in flight on node 2; not applied\r\n");
}

TEST(WriteOutcomesTest, LeadershipLostAfterProposingIsOutcomeUnknownAndNotRetried) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"INCR", "k"});
  node.group->FailAll(/*outcome_known=*/false, kOther);
  node.loop.Advance(std::chrono::seconds(1));

  EXPECT_EQ(client.Received(), "-UNKNOWN outcome: leadership was lost\r\n");
  EXPECT_TRUE(node.transport.calls.empty());
}

TEST(WriteOutcomesTest, LeadershipLostBeforeProposingIsForwardedToTheNewLeader) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "v"});
  node.group->FailAll(/*outcome_known=*/true, kOther);
  node.loop.Run();
  TestTransport::PendingCall call = node.transport.TakeCall();
  call.done(Done({"+OK\r\n"}));
  node.loop.Run();

  EXPECT_EQ(call.to, kOther);
  EXPECT_EQ(client.Received(), "+OK\r\n");
}

TEST(WriteOutcomesTest, ARefusedWriteIsNotRetriedBehindALaterOneThatWasApplied) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Pipeline({{"SET", "k", "first"}, {"SET", "k", "second"}});
  node.group->proposals.front().waiter->OnNotApplied(Error(ErrorCode::kUnavailable, "not leader"),
                                                     kOther);
  node.group->proposals.pop_front();
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "-CLUSTERDOWN not leader; not applied\r\n+OK\r\n");
  EXPECT_TRUE(node.transport.calls.empty());
}

TEST(WriteOutcomesTest, OnlyTheTailThatWasNotAppliedGoesOn) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Pipeline({{"SET", "k", "1"}, {"INCR", "k"}});
  std::deque<Proposal> tail;
  tail.push_back(std::move(node.group->proposals.back()));
  node.group->proposals.pop_back();
  node.group->ApplyAll();
  node.group->proposals = std::move(tail);
  node.group->FailAll(/*outcome_known=*/true, kOther);
  node.loop.Run();
  TestTransport::PendingCall call = node.transport.TakeCall();
  const Result<ForwardRequest> request = DecodeForwardRequest(call.request);
  call.done(Done({":2\r\n"}));
  node.loop.Run();

  EXPECT_EQ(request->commands, (std::vector<std::vector<std::string>>{{"INCR", "k"}}));
  EXPECT_EQ(client.Received(), "+OK\r\n:2\r\n");
}

TEST(WriteOutcomesTest, WhatDidNotFitIntoTheProposalQueueGoesInLaterInOrder) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Pipeline({{"SET", "k", "1"}, {"INCR", "k"}, {"INCR", "k"}});
  for (int i = 0; i < 2; ++i) {
    node.group->proposals.back().waiter->OnNotApplied(
        Error(ErrorCode::kResourceExhausted, "10000 proposals in flight"), kNoNode);
    node.group->proposals.pop_back();
  }
  node.group->applies_at_once = true;
  node.group->ApplyAll();
  node.loop.Advance(std::chrono::milliseconds(20));

  EXPECT_EQ(client.Received(), "+OK\r\n:2\r\n:3\r\n");
}

TEST(WriteOutcomesTest, AQueueThatStaysFullIsNamedAndNothingWasApplied) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "v"});
  while (!node.group->proposals.empty()) {
    node.group->proposals.front().waiter->OnNotApplied(
        Error(ErrorCode::kResourceExhausted, "10000 proposals in flight"), kNoNode);
    node.group->proposals.clear();
    node.loop.Advance(std::chrono::milliseconds(10));
  }

  EXPECT_EQ(client.Received(), "-TRYAGAIN 10000 proposals in flight; not applied\r\n");
}

TEST(WriteOutcomesTest, OneConnectionTakesOnlySoMuchOfTheQueueAtATime) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Pipeline(std::vector<TestClient::Command>(1000, {"INCR", "k"}));
  EXPECT_EQ(node.group->proposals.size(), 512u);
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(node.group->proposals.size(), 488u);
}

TEST(WriteOutcomesTest, AProposalThatNobodyAnswersIsOutcomeUnknown) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "v"});
  node.group->proposals.clear();
  node.loop.Run();

  EXPECT_TRUE(client.Received().starts_with("-UNKNOWN outcome: "));
}

TEST(WriteOutcomesTest, WithoutALeaderWritesWaitUntilThereIsOne) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kNoNode;

  client.Run({"SET", "k", "v"});
  node.loop.Advance(std::chrono::seconds(3));
  EXPECT_EQ(client.Received(), "");
  node.group->leader = NodeId(1);
  node.loop.Advance(std::chrono::milliseconds(20));

  EXPECT_EQ(client.Received(), "+OK\r\n");
}

TEST(WriteOutcomesTest, WithoutALeaderForTooLongNothingIsApplied) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kNoNode;

  client.Run({"SET", "k", "v"});
  node.loop.Advance(std::chrono::milliseconds(5100));

  EXPECT_EQ(client.Received(), "-CLUSTERDOWN no leader for shard 1 within 5 s; not applied\r\n");
  EXPECT_EQ(node.service().context().parked_commands.load(), 0u);
}

TEST(WriteOutcomesTest, OnlySoManyCommandsWaitForALeader) {
  ServiceOptions options;
  options.parked_commands_max = 2;
  TestNode node(options);
  TestClient one(node);
  TestClient two(node);
  node.group->leader = kNoNode;

  one.Pipeline({{"INCR", "k"}, {"INCR", "k"}});

  EXPECT_EQ(two.Run({"INCR", "k"}),
            "-CLUSTERDOWN no leader for shard 1, and 2 commands wait for one already; not "
            "applied\r\n");
  node.group->leader = NodeId(1);
  node.loop.Advance(std::chrono::milliseconds(20));
  EXPECT_EQ(one.Received(), ":1\r\n:2\r\n");
}

TEST(WriteOutcomesTest, AResultThatDoesNotComeInTimeIsUnknownAndALateOneIsIgnored) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "v"});
  node.loop.Advance(std::chrono::seconds(31));
  EXPECT_EQ(client.Received(), "-UNKNOWN outcome: no result within 30 s\r\n");
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "");
  EXPECT_EQ(client.Run({"GET", "k"}), "$1\r\nv\r\n");
}

TEST(WriteOutcomesTest, ARefusalOfWritesIsAnsweredAndReadsGoOn) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "v"});

  node.write_refusal = "disk almost full: 900 MiB free";

  EXPECT_EQ(client.Run({"SET", "k", "w"}),
            "-MISCONF disk almost full: 900 MiB free; not applied\r\n");
  EXPECT_EQ(client.Run({"GET", "k"}), "$1\r\nv\r\n");
}

TEST(WriteOutcomesTest, AStoppingNodeAppliesNothingMoreOfItsClients) {
  TestNode node;
  TestClient client(node);

  node.service().StopAccepting();

  EXPECT_EQ(client.Run({"SET", "k", "v"}), "-CLUSTERDOWN this node is stopping; not applied\r\n");
  EXPECT_EQ(client.Run({"PING"}), "+PONG\r\n");
  EXPECT_TRUE(node.service().IsIdle());
}

}  // namespace
}  // namespace seshat
