// Changes of a group's members: each step by an entry, each in force at its own index.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

Configuration VotersAre(std::vector<std::uint64_t> voters,
                        std::vector<std::uint64_t> learners = {}) {
  Configuration configuration;
  for (const std::uint64_t id : voters) configuration.voters.emplace_back(id);
  for (const std::uint64_t id : learners) configuration.learners.emplace_back(id);
  return configuration;
}

class MembershipTest : public testing::Test {
 protected:
  MembershipTest() { group.Elect(1); }

  Configuration Of(std::uint64_t id) { return group.core(id).GetStatus().configuration; }
  Status ChangeVoters(std::uint64_t leader, std::vector<std::uint64_t> voters) {
    const Configuration to = VotersAre(std::move(voters));
    return group.ChangeMembers(leader, EnterJoint(Of(leader), to.voters, {}));
  }
  void AddLearner(std::uint64_t id) {
    group.AddNode(id);
    Configuration next = Of(1);
    next.learners.emplace_back(id);
    ASSERT_TRUE(group.ChangeMembers(1, next));
    group.Settle();
  }

  CoreHarness group{3};
};

TEST_F(MembershipTest, ALearnerIsFedAndNeverCounts) {
  AddLearner(4);
  group.Propose(1, "a");
  group.AdvanceMs(200);
  EXPECT_EQ(group.Applied(4), std::vector<std::string>{"a"});

  group.Crash(2);
  group.Crash(3);
  group.Propose(1, "b");
  group.Settle();

  EXPECT_EQ(group.Applied(1), std::vector<std::string>{"a"}) << "leader and learner: no majority";
}

TEST_F(MembershipTest, ANewMemberIsFedThoughNothingElseIsWritten) {
  group.Propose(1, "a");
  group.Settle();

  AddLearner(4);
  group.AdvanceMs(500);

  EXPECT_EQ(group.Applied(4), std::vector<std::string>{"a"});
}

TEST_F(MembershipTest, ALearnerBecomesAVoterThroughAJointConfiguration) {
  AddLearner(4);

  ASSERT_TRUE(ChangeVoters(1, {1, 2, 3, 4}));
  EXPECT_TRUE(Of(1).IsJoint());
  group.Settle();

  for (std::uint64_t id = 1; id <= 4; ++id) EXPECT_EQ(Of(id), VotersAre({1, 2, 3, 4}));
  group.Crash(1);
  group.AdvanceMs(3000);
  EXPECT_EQ(group.Leaders().size(), 1u);
}

TEST_F(MembershipTest, AJointConfigurationNeedsBothMajorities) {
  group.AddNode(4);
  group.AddNode(5);
  Configuration next = Of(1);
  next.learners = {NodeId(4), NodeId(5)};
  ASSERT_TRUE(group.ChangeMembers(1, next));
  group.Settle();
  group.LoseIf([](const Message& m) { return m.from == NodeId(2) || m.from == NodeId(3); });

  ASSERT_TRUE(ChangeVoters(1, {1, 4, 5}));
  group.Settle();
  EXPECT_TRUE(Of(1).IsJoint()) << "1, 4 and 5 are no majority of 1, 2 and 3";

  group.LoseNothing();
  group.AdvanceMs(300);
  EXPECT_EQ(Of(1), VotersAre({1, 4, 5}));
}

TEST_F(MembershipTest, ALeaderThatIsRemovedLeadsUntilThatIsCommittedAndThenFollows) {
  ASSERT_TRUE(ChangeVoters(1, {2, 3}));
  group.Settle();

  EXPECT_NE(group.core(1).role(), Role::kLeader);
  group.AdvanceMs(3000);
  ASSERT_EQ(group.Leaders().size(), 1u);
  EXPECT_NE(group.Leaders().front(), 1u);
  EXPECT_EQ(Of(2), VotersAre({2, 3}));
}

// Trap 7.
TEST_F(MembershipTest, NoChangeBeforeAnEntryOfTheLeadersOwnTerm) {
  group.LoseIf([](const Message& m) { return m.type == MessageType::kAppendRequest; });
  group.Crash(1);
  group.AdvanceMs(3000);
  ASSERT_EQ(group.Leaders().size(), 1u);
  const std::uint64_t leader = group.Leaders().front();
  ASSERT_FALSE(group.core(leader).LeadsWithCommit());

  const Status changed = ChangeVoters(leader, {1, 2});

  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(MembershipTest, OneChangeAtATime) {
  group.LoseIf([](const Message& m) { return m.type == MessageType::kAppendResponse; });
  ASSERT_TRUE(ChangeVoters(1, {1, 2}));
  group.Settle();

  const Status second = group.ChangeMembers(1, LeaveJoint(Of(1)));

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(MembershipTest, StepsThatSkipTheJointConfigurationAreRefused) {
  const Status changed = group.ChangeMembers(1, VotersAre({1, 2, 3, 4}));

  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), ErrorCode::kInvalidArgument);
}

// Trap 6.
TEST_F(MembershipTest, AChangeThatIsTruncatedIsUndone) {
  group.Isolate(1);
  ASSERT_TRUE(ChangeVoters(1, {1, 2}));
  group.Settle();
  ASSERT_TRUE(Of(1).IsJoint());

  group.AdvanceMs(3000);
  group.LoseNothing();
  group.AdvanceMs(1000);

  EXPECT_EQ(Of(1), VotersAre({1, 2, 3}));
}

// Trap 3: libraft had two leaders in one term here.
TEST_F(MembershipTest, ShrinkingToOneVoterNeverGivesTwoLeadersInATerm) {
  ASSERT_TRUE(ChangeVoters(1, {3}));
  group.Settle();
  group.AdvanceMs(3000);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{3});
  EXPECT_EQ(Of(3), VotersAre({3}));
}

TEST_F(MembershipTest, AVoterThatBecomesALearnerDoesSoOnLeavingTheJointConfiguration) {
  const Configuration joint = EnterJoint(Of(1), {NodeId(1), NodeId(2)}, {NodeId(3)});
  EXPECT_TRUE(joint.learners.empty());

  ASSERT_TRUE(group.ChangeMembers(1, joint));
  group.Settle();

  EXPECT_EQ(Of(1), VotersAre({1, 2}, {3}));
  EXPECT_EQ(group.core(3).role(), Role::kLearner);
}

// Trap 12.
TEST_F(MembershipTest, ARemovedNodeThatComesBackDisturbsNobody) {
  group.Isolate(3);
  ASSERT_TRUE(ChangeVoters(1, {1, 2}));
  group.Settle();
  ASSERT_EQ(Of(1), VotersAre({1, 2}));
  const Term term = group.core(1).term();
  group.AdvanceMs(5000);

  group.LoseNothing();
  group.AdvanceMs(5000);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(group.core(1).term(), term);
}

TEST_F(MembershipTest, ALeaseNeedsTheMajorityOfVotersThatAreNew) {
  AddLearner(4);
  group.AdvanceMs(200);
  ASSERT_GT(group.core(1).LeaseUntil(), group.Now(1));
  group.LoseIf([](const Message& m) {
    return m.type == MessageType::kHeartbeatResponse && m.from != NodeId(2);
  });
  ASSERT_TRUE(ChangeVoters(1, {1, 3, 4}));
  group.Settle();
  group.AdvanceMs(600);

  EXPECT_LE(group.core(1).LeaseUntil(), group.Now(1)) << "only 2 vouches, which is leaving";
}

TEST_F(MembershipTest, TransfersGoToVotersOnly) {
  AddLearner(4);

  const Status transferred = group.core(1).TransferLeadership(NodeId(4), group.Now(1));

  ASSERT_FALSE(transferred);
  EXPECT_EQ(transferred.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace seshat
