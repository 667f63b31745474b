// Elections: groups of every size, split votes, disturbance, and what a restarted node may do.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

class GroupSizeTest : public testing::TestWithParam<std::size_t> {};

TEST_P(GroupSizeTest, ElectsOneLeaderReplicatesAndReads) {
  CoreHarness group(GetParam());

  group.AdvanceMs(3000);

  ASSERT_EQ(group.Leaders().size(), 1u);
  const std::uint64_t leader = group.Leaders().front();
  group.Propose(leader, "a");
  group.Settle();
  EXPECT_EQ(group.Applied(leader), std::vector<std::string>{"a"});
  ASSERT_TRUE(group.core(leader).RequestRead(7, group.Now(leader)));
  group.Settle();
  ASSERT_EQ(group.node(leader).reads.size(), 1u);
  EXPECT_EQ(group.node(leader).reads[0].index, group.core(leader).commit_index());
  group.AdvanceMs(200);
  for (auto& [id, node] : group.nodes()) EXPECT_EQ(group.Applied(id.value()).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, GroupSizeTest, testing::Values(1, 3, 5, 7));

}  // namespace
}  // namespace seshat
