// The cluster's state out of the system group's rows and into them, and on its way to other
// members.
#include "seshat/service/cluster_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "seshat/service/system_state_machine.h"
#include "support/memory_state_store.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

ClusterMember Member(std::uint64_t id, std::string store_id) {
  ClusterMember member;
  member.id = NodeId(id);
  member.store_id = std::move(store_id);
  member.internal_address = "host" + std::to_string(id) + ":7379";
  return member;
}

// Three members, limits of its own, and two shards.
ClusterState Former() {
  ClusterState state = InitialClusterState(std::string(16, 'f'),
                                           {Member(1, "one"), Member(2, "two"), Member(3, "three")},
                                           {.key_bytes_max = 77, .value_bytes_max = 888});
  state.membership_version = 5;
  state.shards.front().slots = {{Slot(0), Slot(99)}, {Slot(200), Slot(16383)}};
  ShardPlacement second;
  second.group = GroupId(2);
  second.slots = {{Slot(100), Slot(199)}};
  second.replicas = {NodeId(2)};
  state.shards.push_back(second);
  return state;
}

class ClusterRowsTest : public testing::Test {
 protected:
  ClusterRowsTest() { store_.AddGroup(kSystemGroup); }

  Result<ClusterState> Read() { return ReadClusterState(**store_.View(kSystemGroup)); }
  void Put(const ClusterState& state) {
    StateBatch batch;
    batch.ops = ClusterRows(state);
    store_.Write(kSystemGroup, std::move(batch));
  }

  MemoryStateStore store_;
};

TEST_F(ClusterRowsTest, WhatIsPutIsRead) {
  Put(Former());

  const Result<ClusterState> read = Read();

  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, Former());
  EXPECT_THAT(store_.Contents(kSystemGroup), SizeIs(3));
}

TEST_F(ClusterRowsTest, BeforeTheFoundingThereIsNoCluster) {
  EXPECT_FALSE(Read()->IsBootstrapped());
}

TEST_F(ClusterRowsTest, ADamagedRowIsNamed) {
  Put(Former());
  StateBatch batch;
  batch.ops = {{.key = "shardmap", .value = "\x08"}};
  store_.Write(kSystemGroup, std::move(batch));

  EXPECT_THAT(Read().error().message(), HasSubstr("row shardmap"));
}

TEST_F(ClusterRowsTest, TheStateMachineBeginsWithThem) {
  Put(RefoundedClusterState(Former(), std::string(16, 'n'), {Member(7, "seven")}));
  ClusterStateSource source;

  ASSERT_TRUE(SystemStateMachine::Open(store_, source, {}));

  EXPECT_EQ(source.Get()->cluster_id, std::string(16, 'n'));
  EXPECT_THAT(source.Get()->members, ElementsAre(Member(7, "seven")));
}

TEST(RefoundedClusterStateTest, SlotsAndSettingsStayAndEverythingElseIsTheNewMembers) {
  const ClusterState former = Former();

  const ClusterState state =
      RefoundedClusterState(former, std::string(16, 'n'), {Member(9, ""), Member(3, "another")});

  EXPECT_EQ(state.cluster_id, std::string(16, 'n'));
  EXPECT_EQ(state.membership_version, 6);
  EXPECT_THAT(state.members, ElementsAre(Member(3, "another"), Member(9, "")));
  EXPECT_EQ(state.shard_map_version, 2);
  ASSERT_THAT(state.shards, SizeIs(2));
  for (std::size_t i = 0; i < 2; ++i) {
    ShardPlacement expected;
    expected.group = former.shards[i].group;
    expected.slots = former.shards[i].slots;
    expected.replicas = {NodeId(3), NodeId(9)};
    EXPECT_EQ(state.shards[i], expected);
  }
  EXPECT_EQ(state.feature_level, former.feature_level);
  EXPECT_EQ(state.limits.key_bytes_max, 77);
  EXPECT_EQ(state.limits.value_bytes_max, 888);
}

TEST(RefoundedClusterStateTest, MembersGivenAlikeMakeEqualRows) {
  const ClusterState one =
      RefoundedClusterState(Former(), std::string(16, 'n'), {Member(1, ""), Member(2, "")});
  const ClusterState other =
      RefoundedClusterState(Former(), std::string(16, 'n'), {Member(2, ""), Member(1, "")});

  const std::vector<StateOp> rows = ClusterRows(one);
  const std::vector<StateOp> other_rows = ClusterRows(other);

  ASSERT_EQ(rows.size(), other_rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i].value, other_rows[i].value);
}

}  // namespace
}  // namespace seshat
