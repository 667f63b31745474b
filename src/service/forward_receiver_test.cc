// The receiving end of forwarding: only the leader executes, and only what may enter the log.
#include "forward_receiver.h"

#include <gtest/gtest.h>

#include "test_node.h"

namespace seshat {
namespace {

constexpr NodeId kOrigin{2};

ForwardRequest Request(std::vector<std::vector<std::string>> commands) {
  return {.group = kFirstDataGroup,
          .commands = std::move(commands),
          .version = RespVersion::kResp2,
          .user = "default",
          .time_left = std::chrono::seconds(30),
          .request_id = 1};
}

// Brings a request to the node; empty until it is answered.
std::shared_ptr<std::optional<ForwardReply>> Bring(TestNode& node, const ForwardRequest& request) {
  auto answer = std::make_shared<std::optional<ForwardReply>>();
  node.service().forwards().OnCall(
      kOrigin, EncodeForwardRequest(request),
      [answer](std::string bytes) { *answer = DecodeForwardReply(bytes).value(); });
  node.loop.Run();
  return answer;
}

TEST(ForwardReceiverTest, TheLeaderExecutesAndEncodesForTheOriginsClient) {
  TestNode node;

  const auto answer = Bring(node, Request({{"SET", "k", "1"}, {"INCR", "k"}, {"SET", "k"}}));

  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->status, ForwardReply::Status::kDone);
  EXPECT_EQ((*answer)->replies,
            (std::vector<std::string>{"+OK\r\n", ":2\r\n",
                                      "-ERR wrong number of arguments for 'set' command\r\n"}));
}

TEST(ForwardReceiverTest, AFollowerExecutesNothingAndSaysWhoLeads) {
  TestNode node;
  node.group->leader = NodeId(3);

  const auto answer = Bring(node, Request({{"SET", "k", "1"}}));

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kNotLeader);
  EXPECT_EQ((*answer)->leader, NodeId(3));
  EXPECT_EQ(node.group->batches, 0u);
}

TEST(ForwardReceiverTest, ReadsAreNotTaken) {
  TestNode node;

  const auto answer = Bring(node, Request({{"GET", "k"}}));

  EXPECT_EQ((*answer)->replies,
            std::vector<std::string>{"-CLUSTERDOWN get is not a write; not applied\r\n"});
  EXPECT_EQ(node.group->batches, 0u);
}

TEST(ForwardReceiverTest, LeadershipLostBeforeProposingLetsTheOriginTryElsewhere) {
  TestNode node;
  node.group->applies_at_once = false;

  const auto answer = Bring(node, Request({{"SET", "k", "1"}}));
  node.group->FailAll(/*outcome_known=*/true, NodeId(3));

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kNotLeader);
  EXPECT_EQ((*answer)->leader, NodeId(3));
}

TEST(ForwardReceiverTest, LeadershipLostAfterProposingIsOutcomeUnknown) {
  TestNode node;
  node.group->applies_at_once = false;

  const auto answer = Bring(node, Request({{"SET", "k", "1"}}));
  node.group->FailAll(/*outcome_known=*/false, NodeId(3));

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kDone);
  EXPECT_EQ((*answer)->replies,
            std::vector<std::string>{"-UNKNOWN outcome: leadership was lost\r\n"});
}

TEST(ForwardReceiverTest, APeersBytesInFlightAreBounded) {
  ServiceOptions options;
  options.forward_bytes_max = 100;
  TestNode node(options);
  node.group->applies_at_once = false;

  const auto first = Bring(node, Request({{"SET", "k", std::string(80, 'x')}}));
  const auto second = Bring(node, Request({{"SET", "k", "v"}}));
  node.group->ApplyAll();
  const auto third = Bring(node, Request({{"SET", "k", "v"}}));
  node.group->ApplyAll();

  EXPECT_EQ((*first)->status, ForwardReply::Status::kDone);
  EXPECT_EQ((*second)->status, ForwardReply::Status::kBusy);
  EXPECT_TRUE((*second)->message.starts_with("100 bytes")) << (*second)->message;
  EXPECT_EQ((*third)->status, ForwardReply::Status::kDone);
}

TEST(ForwardReceiverTest, AFullProposalQueueIsBusyNotRefused) {
  TestNode node;
  node.group->applies_at_once = false;

  const auto answer = Bring(node, Request({{"SET", "k", "v"}}));
  node.group->proposals.front().waiter->OnNotApplied(
      Error(ErrorCode::kResourceExhausted, "10000 proposals in flight"), kNoNode);
  node.group->proposals.clear();

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kBusy);
  EXPECT_EQ((*answer)->message, "10000 proposals in flight");
  EXPECT_TRUE((*answer)->replies.empty());
}

TEST(ForwardReceiverTest, WhatDoesNotDecodeIsRefused) {
  TestNode node;
  std::string answer;

  node.service().forwards().OnCall(kOrigin, "\xff\xff garbage",
                                   [&](std::string bytes) { answer = std::move(bytes); });

  EXPECT_EQ(DecodeForwardReply(answer)->status, ForwardReply::Status::kRefused);
}

TEST(ForwardReceiverTest, AWriteRefusalHoldsForOtherNodesClientsToo) {
  TestNode node;
  node.write_refusal = "the disk is full";

  const auto answer = Bring(node, Request({{"SET", "k", "1"}}));

  EXPECT_EQ((*answer)->status, ForwardReply::Status::kRefused);
  EXPECT_EQ((*answer)->message, "MISCONF the disk is full; not applied");
}

}  // namespace
}  // namespace seshat
