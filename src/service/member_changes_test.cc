// What the cluster decides about its members: joins, leaves, and all that is refused.
#include "member_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster_records.h"
#include "seshat/service/join_messages.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

ClusterMember Member(std::uint64_t id, std::string store_id = "") {
  return {.id = NodeId(id),
          .store_id = std::move(store_id),
          .client_address = "",
          .internal_address = "host-" + std::to_string(id) + ":7379",
          .admin_address = "",
          .feature_level_max = kFeatureLevelMax};
}

// Nodes 1 to 3, which have reported themselves with the stores "s1" to "s3".
struct MemberChangesTest : ::testing::Test {
  MemberChangesTest()
      : state(InitialClusterState("cluster", {Member(1, "s1"), Member(2, "s2"), Member(3, "s3")},
                                  {})) {}

  void Place(std::vector<std::uint64_t> voters, std::uint64_t index) {
    std::vector<NodeId> replicas;
    for (const std::uint64_t voter : voters) replicas.emplace_back(voter);
    EXPECT_EQ(PlaceReplicas({kFirstDataGroup, replicas, LogIndex(index)}, state).text, "OK");
  }
  std::vector<NodeId> Nodes(std::initializer_list<std::uint64_t> ids) const {
    std::vector<NodeId> nodes;
    for (const std::uint64_t id : ids) nodes.emplace_back(id);
    return nodes;
  }

  ClusterState state;
};

TEST_F(MemberChangesTest, ANodeThatIsAddedIsWantedAndPlacedOnceItVotes) {
  EXPECT_EQ(AddMember(Member(4, "s4"), state).text, "OK");

  EXPECT_EQ(state.DesiredVoters(), Nodes({1, 2, 3, 4}));
  EXPECT_FALSE(state.IsPlaced(NodeId(4)));
  EXPECT_EQ(state.membership_version, 2u);
  Place({1, 2, 3, 4}, 20);
  EXPECT_TRUE(state.IsPlaced(NodeId(4)));
}

TEST_F(MemberChangesTest, ADecisionThatIsRepeatedChangesNothing) {
  AddMember(Member(4, "s4"), state);
  const ClusterState after_add = state;
  EXPECT_EQ(AddMember(Member(4, "s4"), state).text, "OK");
  EXPECT_EQ(AddMember(Member(4), state).text, "OK");  // an operator's, after the node's own
  EXPECT_EQ(state, after_add);

  Place({1, 2, 3, 4}, 20);
  RemoveMember(NodeId(4), state);
  const ClusterState after_remove = state;
  EXPECT_EQ(RemoveMember(NodeId(4), state).text, "OK");
  EXPECT_EQ(state, after_remove);

  Place({1, 2, 3}, 30);
  ForgetMember(NodeId(4), state);
  const ClusterState after_forget = state;
  EXPECT_EQ(RemoveMember(NodeId(4), state).text, "OK");
  EXPECT_EQ(ForgetMember(NodeId(4), state).text, "OK");
  EXPECT_EQ(state, after_forget);
}

TEST_F(MemberChangesTest, ANodeThatAnOperatorAddedTellsTheRestItself) {
  ClusterMember expected = Member(4);
  expected.internal_address.clear();
  EXPECT_EQ(AddMember(expected, state).text, "OK");

  EXPECT_EQ(RegisterMember(Member(4, "s4"), state).text, "OK");

  EXPECT_EQ(*state.FindMember(NodeId(4)), Member(4, "s4"));
}

TEST_F(MemberChangesTest, OneChangeAtATime) {
  AddMember(Member(4, "s4"), state);
  EXPECT_THAT(AddMember(Member(5, "s5"), state).text,
              StartsWith(std::string(kTryAgain) + "one change of members at a time: node 4"));
  EXPECT_THAT(RemoveMember(NodeId(1), state).text, StartsWith(kTryAgain));

  Place({1, 2, 3, 4}, 20);
  EXPECT_EQ(RemoveMember(NodeId(1), state).text, "OK");
  EXPECT_THAT(AddMember(Member(5, "s5"), state).text, HasSubstr("node 1 is leaving"));
}

TEST_F(MemberChangesTest, OneThatIsJoiningMayBeCalledBack) {
  AddMember(Member(4), state);

  EXPECT_EQ(RemoveMember(NodeId(4), state).text, "OK");
  EXPECT_EQ(state.DesiredVoters(), Nodes({1, 2, 3}));
  EXPECT_THAT(RegisterMember(Member(4, "s4"), state).text,
              HasSubstr("node 4 is leaving this cluster"));
  EXPECT_EQ(ForgetMember(NodeId(4), state).text, "OK");

  EXPECT_THAT(state.removed, ElementsAre(NodeId(4)));
}

TEST_F(MemberChangesTest, AnIdIsNeverUsedAgain) {
  RemoveMember(NodeId(3), state);
  Place({1, 2}, 20);
  ForgetMember(NodeId(3), state);

  EXPECT_EQ(state.FindMember(NodeId(3)), nullptr);
  EXPECT_THAT(AddMember(Member(3, "s9"), state).text, HasSubstr("ids are not used again"));
}

TEST_F(MemberChangesTest, ANodeThatStillHasAReplicaIsNotForgotten) {
  EXPECT_THAT(ForgetMember(NodeId(3), state).text, HasSubstr("has replicas"));
  RemoveMember(NodeId(3), state);
  EXPECT_THAT(ForgetMember(NodeId(3), state).text, HasSubstr("has replicas"));
}

TEST_F(MemberChangesTest, ANodeThatIsJoiningIsNotForgotten) {
  AddMember(Member(4, "s4"), state);
  const ClusterState before = state;

  EXPECT_TRUE(ForgetMember(NodeId(4), state).IsError());

  EXPECT_EQ(state, before);
}

TEST_F(MemberChangesTest, MembersStandInTheOrderOfTheirIds) {
  AddMember(Member(9, "s9"), state);
  Place({1, 2, 3, 9}, 20);

  EXPECT_EQ(AddMember(Member(5, "s5"), state).text, "OK");

  EXPECT_EQ(state.DesiredVoters(), Nodes({1, 2, 3, 5, 9}));
}

TEST_F(MemberChangesTest, IdsAndAddressesOfOthersAreRefused) {
  EXPECT_THAT(AddMember(Member(2, "other"), state).text,
              HasSubstr("node id 2 belongs to a node with other data"));
  ClusterMember neighbour = Member(4, "s4");
  neighbour.internal_address = "host-2:7379";
  EXPECT_THAT(AddMember(neighbour, state).text,
              HasSubstr("host-2:7379 is the internal address of node 2"));
  EXPECT_THAT(AddMember(Member(0), state).text, HasSubstr("node id 0"));
  AddMember(Member(4), state);
  EXPECT_THAT(RegisterMember(neighbour, state).text, HasSubstr("internal address of node 2"));
}

TEST_F(MemberChangesTest, ANodeThatIsTooOldForTheClusterIsRefused) {
  state.feature_level = FeatureLevel(kFeatureLevelMax.value() + 1);

  EXPECT_THAT(AddMember(Member(4, "s4"), state).text, HasSubstr("feature level"));
}

TEST_F(MemberChangesTest, MoreThanSevenMembersAreRefused) {
  for (std::uint64_t id = 4; id <= kMembersMax; ++id) {
    ASSERT_EQ(AddMember(Member(id, "s" + std::to_string(id)), state).text, "OK");
    std::vector<std::uint64_t> voters(id);
    for (std::uint64_t voter = 1; voter <= id; ++voter) voters[voter - 1] = voter;
    Place(voters, 10 * id);
  }

  EXPECT_THAT(AddMember(Member(8, "s8"), state).text, HasSubstr("has 7 members"));
}

TEST_F(MemberChangesTest, NobodyIsAddedBeforeTheClusterIsFounded) {
  ClusterState unfounded;

  EXPECT_THAT(AddMember(Member(4, "s4"), unfounded).text,
              StartsWith(std::string(kTryAgain) + "the cluster is being founded"));

  EXPECT_EQ(unfounded, ClusterState());
}

TEST_F(MemberChangesTest, AStrangerThatOnlyReportsItselfIsNoMember) {
  const ClusterState before = state;

  EXPECT_THAT(RegisterMember(Member(4, "s4"), state).text,
              HasSubstr("node 4 is not a member of this cluster"));

  EXPECT_EQ(state, before);
}

TEST_F(MemberChangesTest, StrangersAndTheLastMemberAreNotRemoved) {
  EXPECT_THAT(RemoveMember(NodeId(9), state).text, HasSubstr("node 9 is not a member"));
  ClusterState single = InitialClusterState("cluster", {Member(1, "s1")}, {});
  EXPECT_THAT(RemoveMember(NodeId(1), single).text, HasSubstr("the only member"));
}

TEST_F(MemberChangesTest, AnOlderPlacementChangesNothing) {
  Place({1, 2, 3, 4}, 20);
  const ClusterState placed = state;

  Place({1, 2, 3}, 19);
  Place({1, 2, 3}, 20);
  Place({}, 30);

  EXPECT_EQ(state, placed);
  EXPECT_THAT(PlaceReplicas({GroupId(9), {NodeId(1)}, LogIndex(1)}, state).text,
              HasSubstr("no shard 9"));
}

TEST_F(MemberChangesTest, TheFoundersAreKnownWhereverTheReplicasHaveMoved) {
  EXPECT_EQ(state.shards[0].Founders(), Nodes({1, 2, 3}));

  Place({2, 3, 4}, 20);
  Place({3, 4, 5}, 30);

  EXPECT_EQ(state.shards[0].Founders(), Nodes({1, 2, 3}));
}

TEST_F(MemberChangesTest, ALeavingMemberMayStillMove) {
  RemoveMember(NodeId(3), state);
  const std::uint64_t version = state.membership_version;
  ClusterMember moved = Member(3, "s3");
  moved.client_address = "elsewhere:6379";

  EXPECT_EQ(RegisterMember(moved, state).text, "OK");

  EXPECT_EQ(state.membership_version, version + 1);

  EXPECT_TRUE(state.FindMember(NodeId(3))->is_leaving);
  EXPECT_EQ(state.FindMember(NodeId(3))->client_address, "elsewhere:6379");
}

TEST_F(MemberChangesTest, RowsAndCommandsKeepWhatTheyAreGiven) {
  AddMember(Member(4, "s4"), state);
  Place({1, 2, 3, 4}, 20);
  RemoveMember(NodeId(3), state);
  Place({1, 2, 4}, 30);
  ForgetMember(NodeId(3), state);
  RemoveMember(NodeId(2), state);
  ClusterState read;

  ASSERT_TRUE(DecodeMembershipRow(EncodeMembershipRow(state), read));
  ASSERT_TRUE(DecodeShardMapRow(EncodeShardMapRow(state), read));
  ASSERT_TRUE(DecodeSettingsRow(EncodeSettingsRow(state), read));

  EXPECT_EQ(read, state);
}

TEST(JoinMessagesTest, RoundTripsKeepEveryField) {
  EXPECT_EQ(DecodeJoinRequest(EncodeJoinRequest(Member(4, "s4"))).value(), Member(4, "s4"));
  const JoinReply refusal{.refusal = "no", .is_permanent = true, .cluster_id = {}, .members = {}};
  EXPECT_EQ(DecodeJoinReply(EncodeJoinReply(refusal)).value(), refusal);
  const JoinReply welcome{.refusal = "",
                          .is_permanent = false,
                          .cluster_id = "cluster",
                          .members = {Member(1, "s1"), Member(4)}};
  EXPECT_EQ(DecodeJoinReply(EncodeJoinReply(welcome)).value(), welcome);
}

TEST(JoinMessagesTest, WhatIsNoMessageIsAnError) {
  for (const std::string_view bytes : {"", "\xff\xff", "\x08\x02"}) {
    EXPECT_FALSE(DecodeJoinRequest(bytes).has_value());
    EXPECT_FALSE(DecodeJoinReply(bytes).has_value());
  }
  EXPECT_FALSE(DecodeJoinReply(EncodeJoinReply({})).has_value());  // let in, but nowhere
}

}  // namespace
}  // namespace seshat
