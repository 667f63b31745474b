// Handing leadership over: who is told, when, and what the leader gives up for it.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

bool WasSent(const std::vector<Message>& sent, MessageType type) {
  return std::ranges::find(sent, type, &Message::type) != sent.end();
}

bool IsTimeoutNow(const Message& message) {
  return message.type == MessageType::kTimeoutNow;
}

bool IsAppendToTwo(const Message& message) {
  return message.type == MessageType::kAppendRequest && message.to == NodeId(2);
}

class TransferTest : public testing::Test {
 protected:
  TransferTest() { group.Elect(1); }

  Status Transfer(std::uint64_t to) {
    const Status status = group.core(1).TransferLeadership(NodeId(to), group.Now(1));
    group.Pump(1);
    return status;
  }
  // In the present term of node 2.
  Message TimeoutNowToTwo(std::uint64_t from) {
    Message word;
    word.type = MessageType::kTimeoutNow;
    word.from = NodeId(from);
    word.to = NodeId(2);
    word.term = group.core(2).term();
    return word;
  }
  bool HasLease() { return group.core(1).LeaseUntil() > group.Now(1); }

  CoreHarness group{3};
};

TEST_F(TransferTest, TheOtherLeadsWithoutATimeout) {
  ASSERT_TRUE(Transfer(2));

  group.Settle();

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(group.core(1).transferee(), kNoNode);
}

TEST_F(TransferTest, TheOtherIsToldOnceItHasEverything) {
  group.LoseIf(IsAppendToTwo);
  group.Propose(1, "a");
  group.Settle();
  group.sent().clear();
  ASSERT_TRUE(Transfer(2));
  group.Settle();
  EXPECT_FALSE(WasSent(group.sent(), MessageType::kTimeoutNow));

  group.LoseNothing();
  group.AdvanceMs(300);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(group.Applied(2), std::vector<std::string>{"a"});
}

TEST_F(TransferTest, WithoutANameTheOneThatIsFurthestAlongTakesOver) {
  group.LoseIf(IsAppendToTwo);
  group.Propose(1, "a");
  group.Settle();

  ASSERT_TRUE(Transfer(0));

  EXPECT_EQ(group.core(1).transferee(), NodeId(3));
}

TEST_F(TransferTest, ANodeThatDoesNotAnswerIsNotChosen) {
  group.Isolate(1);
  group.AdvanceMs(600);

  const Status status = Transfer(0);

  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::kUnavailable);
}

TEST_F(TransferTest, NoLeaseHoldsFromThenOnInThisTerm) {
  group.AdvanceMs(200);
  ASSERT_TRUE(HasLease());
  group.LoseIf(IsTimeoutNow);

  ASSERT_TRUE(Transfer(2));
  EXPECT_FALSE(HasLease());
  group.AdvanceMs(2000);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(group.core(1).transferee(), kNoNode);
  EXPECT_FALSE(HasLease());
}

TEST_F(TransferTest, LeasesComeBackWhenTheOtherWasNeverTold) {
  group.LoseIf(IsAppendToTwo);
  group.Propose(1, "a");
  group.AdvanceMs(200);
  ASSERT_TRUE(Transfer(2));
  EXPECT_FALSE(HasLease());

  group.AdvanceMs(1500);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(HasLease());
}

TEST_F(TransferTest, TheWordMayComeAfterTheTransferWasGivenUp) {
  group.LoseIf(IsTimeoutNow);
  ASSERT_TRUE(Transfer(2));
  const Message late = *std::ranges::find_if(group.sent(), IsTimeoutNow);
  group.LoseNothing();
  group.AdvanceMs(1500);
  ASSERT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});

  group.Step(late);
  group.Settle();

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{2});
}

TEST_F(TransferTest, ProposalsAreRefusedUntilItIsOver) {
  group.LoseIf(IsTimeoutNow);
  ASSERT_TRUE(Transfer(2));

  const auto refused = group.core(1).Propose(nullptr, group.Now(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  group.AdvanceMs(1500);

  EXPECT_TRUE(group.core(1).Propose(nullptr, group.Now(1)));
}

TEST_F(TransferTest, WhatIsImpossibleIsRefused) {
  EXPECT_EQ(group.core(2).TransferLeadership(NodeId(1), group.Now(2)).error().code(),
            ErrorCode::kUnavailable);
  EXPECT_EQ(Transfer(1).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Transfer(9).error().code(), ErrorCode::kInvalidArgument);
  group.LoseIf(IsTimeoutNow);
  ASSERT_TRUE(Transfer(2));
  EXPECT_EQ(Transfer(3).error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(TransferTest, OnlyTheLeaderMayAskForIt) {
  group.Step(TimeoutNowToTwo(3));
  group.Settle();

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
}

TEST_F(TransferTest, OfAnEarlierTermItIsIgnored) {
  const Message word = TimeoutNowToTwo(1);
  group.Isolate(1);
  group.AdvanceMs(3000);
  const std::vector<std::uint64_t> leaders = group.Leaders();

  group.Step(word);
  group.Settle();

  EXPECT_EQ(group.Leaders(), leaders);
}

}  // namespace
}  // namespace seshat
