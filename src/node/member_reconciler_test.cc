// The steps by which a leader moves its group's members towards those that are wanted.
#include "member_reconciler.h"

#include <gtest/gtest.h>

namespace seshat {
namespace {

using Kind = MembersStep::Kind;

constexpr Duration kRoundMax = std::chrono::milliseconds(500);
constexpr std::uint64_t kLagMax = 1000;

std::vector<NodeId> Nodes(std::initializer_list<std::uint64_t> ids) {
  std::vector<NodeId> nodes;
  for (const std::uint64_t id : ids) nodes.emplace_back(id);
  return nodes;
}

// Node 1 leads a group whose log ends at 5000, all of it committed.
struct MemberReconcilerTest : ::testing::Test {
  MemberReconcilerTest() {
    status.id = NodeId(1);
    status.role = Role::kLeader;
    status.last_index = LogIndex(5000);
    status.commit_index = LogIndex(5000);
    SetMembers({1, 2, 3}, {});
  }

  void SetMembers(std::initializer_list<std::uint64_t> voters,
                  std::initializer_list<std::uint64_t> learners) {
    status.configuration = {};
    status.configuration.voters = Nodes(voters);
    status.configuration.learners = Nodes(learners);
    status.followers.clear();
    for (const NodeId node : status.configuration.Members()) {
      if (node == status.id) continue;
      FollowerStatus follower;
      follower.id = node;
      follower.match = status.last_index;
      follower.recently_active = true;
      status.followers.push_back(follower);
    }
  }
  void Match(std::uint64_t node, std::uint64_t index) {
    for (FollowerStatus& follower : status.followers) {
      if (follower.id == NodeId(node)) follower.match = LogIndex(index);
    }
  }
  MembersStep Next(std::initializer_list<std::uint64_t> desired) {
    return reconciler.Next(Nodes(desired), status, now);
  }
  static MembersStep Change(std::initializer_list<std::uint64_t> voters,
                            std::initializer_list<std::uint64_t> learners = {}) {
    return {.kind = Kind::kChange, .voters = Nodes(voters), .learners = Nodes(learners)};
  }

  MonotonicTime now{std::chrono::hours(1)};
  CoreStatus status;
  MemberReconciler reconciler{kRoundMax, kLagMax};
};

TEST_F(MemberReconcilerTest, NothingIsDoneWhereNothingIsToDo) {
  EXPECT_EQ(Next({1, 2, 3}), MembersStep{});
  EXPECT_EQ(Next({}), MembersStep{});  // nothing is known yet
}

TEST_F(MemberReconcilerTest, OnlyALeaderWithSettledMembersDoesAnything) {
  status.role = Role::kFollower;
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});
  status.role = Role::kLeader;
  status.configuration_index = LogIndex(5001);  // not committed
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});
  status.configuration_index = LogIndex(4000);
  status.configuration.voters_outgoing = Nodes({1, 2});
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});
}

TEST_F(MemberReconcilerTest, WhoJoinsIsALearnerFirst) {
  EXPECT_EQ(Next({1, 2, 3, 4}), Change({1, 2, 3}, {4}));
}

TEST_F(MemberReconcilerTest, ALearnerVotesAfterTwoRoundsTheLastOfThemQuick) {
  SetMembers({1, 2, 3}, {4});
  Match(4, 0);
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});
  now = now + std::chrono::minutes(1);
  Match(4, 5000);  // the first round took long, and writes went on meanwhile
  status.last_index = LogIndex(5900);
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});

  now = now + kRoundMax;
  Match(4, 5900);

  EXPECT_EQ(Next({1, 2, 3, 4}), Change({1, 2, 3, 4}));
}

TEST_F(MemberReconcilerTest, ALearnerWhoseRoundsAreSlowWaits) {
  SetMembers({1, 2, 3}, {4});
  for (std::uint64_t index = 5000; index < 5010; ++index) {
    status.last_index = LogIndex(index);
    Match(4, index);
    EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{}) << index;
    now = now + kRoundMax + Duration(1);
  }
}

TEST_F(MemberReconcilerTest, ALearnerThatIsTooFarBehindOrSilentWaits) {
  SetMembers({1, 2, 3}, {4});
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});
  status.last_index = LogIndex(5000 + kLagMax);
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});
  Match(4, 5001);
  status.followers.back().recently_active = false;
  EXPECT_EQ(Next({1, 2, 3, 4}), MembersStep{});

  status.followers.back().recently_active = true;

  EXPECT_EQ(Next({1, 2, 3, 4}), Change({1, 2, 3, 4}));
}

TEST_F(MemberReconcilerTest, WhoLeavesGoesAtOnce) {
  EXPECT_EQ(Next({1, 2}), Change({1, 2}));
}

TEST_F(MemberReconcilerTest, ALearnerThatIsNotWantedAnyMoreGoesFirst) {
  SetMembers({1, 2, 3}, {4, 5});

  EXPECT_EQ(Next({1, 2, 5}), Change({1, 2, 3}, {5}));
}

TEST_F(MemberReconcilerTest, InAnExchangeTheNewOneComesBeforeTheOldOneGoes) {
  EXPECT_EQ(Next({1, 2, 4}), Change({1, 2, 3}, {4}));
  SetMembers({1, 2, 3}, {4});
  Match(4, 0);
  EXPECT_EQ(Next({1, 2, 4}), MembersStep{});
  SetMembers({1, 2, 3, 4}, {});

  EXPECT_EQ(Next({1, 2, 4}), Change({1, 2, 4}));
}

TEST_F(MemberReconcilerTest, ALeaderThatLeavesHandsOverAfterAllElseIsDone) {
  EXPECT_EQ(Next({2}), Change({1, 2}));
  SetMembers({1, 2}, {});

  EXPECT_EQ(Next({2}), (MembersStep{.kind = Kind::kHandOver, .voters = {}, .learners = {}}));
}

}  // namespace
}  // namespace seshat
