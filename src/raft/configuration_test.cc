// Quorum arithmetic against brute force over every subset of nodes.
#include "seshat/raft/configuration.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace seshat {
namespace {

constexpr std::uint64_t kNodes = 7;

std::vector<NodeId> NodesOf(std::uint64_t mask) {
  std::vector<NodeId> nodes;
  for (std::uint64_t id = 1; id <= kNodes; ++id) {
    if ((mask >> (id - 1)) & 1) nodes.emplace_back(id);
  }
  return nodes;
}

Configuration AnyConfiguration() {
  Configuration configuration;
  configuration.voters = NodesOf(*rc::gen::inRange<std::uint64_t>(1, 1 << kNodes));
  configuration.voters_outgoing = NodesOf(*rc::gen::inRange<std::uint64_t>(0, 1 << kNodes));
  for (const NodeId node : NodesOf(*rc::gen::inRange<std::uint64_t>(0, 1 << kNodes))) {
    if (!configuration.IsVoter(node)) configuration.learners.push_back(node);
  }
  return configuration;
}

bool IsMajority(const std::vector<NodeId>& voters, std::uint64_t mask) {
  std::size_t have = 0;
  for (const NodeId node : voters) have += (mask >> (node.value() - 1)) & 1;
  return 2 * have > voters.size();
}

bool IsQuorum(const Configuration& configuration, std::uint64_t mask) {
  return IsMajority(configuration.voters, mask) &&
         (!configuration.IsJoint() || IsMajority(configuration.voters_outgoing, mask));
}

RC_GTEST_PROP(ConfigurationTest, QuorumIndexIsTheHighestThatSomeQuorumHasReached, ()) {
  const Configuration configuration = AnyConfiguration();
  const auto match = *rc::gen::container<std::vector<std::uint64_t>>(
      kNodes, rc::gen::inRange<std::uint64_t>(0, 20));

  const LogIndex actual = configuration.QuorumIndex(
      [&match](NodeId node) { return LogIndex(match[node.value() - 1]); });

  std::uint64_t expected = 0;
  for (std::uint64_t mask = 0; mask < (1 << kNodes); ++mask) {
    if (!IsQuorum(configuration, mask)) continue;
    std::uint64_t least = UINT64_MAX;
    for (const NodeId node : configuration.Voters()) {
      if ((mask >> (node.value() - 1)) & 1) least = std::min(least, match[node.value() - 1]);
    }
    expected = std::max(expected, least);
  }
  RC_ASSERT(actual.value() == expected);
}

RC_GTEST_PROP(ConfigurationTest, QuorumTimeCoversAQuorumAndOneNanosecondMoreDoesNot, ()) {
  const Configuration configuration = AnyConfiguration();
  const auto times = *rc::gen::container<std::vector<int>>(kNodes, rc::gen::inRange(0, 20));
  const auto time_of = [&times](NodeId node) {
    return MonotonicTime{Duration(times[node.value() - 1])};
  };

  const MonotonicTime actual = configuration.QuorumTime(time_of);

  RC_ASSERT(configuration.HasQuorum([&](NodeId node) { return time_of(node) >= actual; }));
  RC_ASSERT(!configuration.HasQuorum([&](NodeId node) { return time_of(node) > actual; }));
}

RC_GTEST_PROP(ConfigurationTest, HasQuorumAgreesWithBruteForce, ()) {
  const Configuration configuration = AnyConfiguration();
  const auto mask = *rc::gen::inRange<std::uint64_t>(0, 1 << kNodes);

  const bool actual = configuration.HasQuorum(
      [mask](NodeId node) { return ((mask >> (node.value() - 1)) & 1) != 0; });

  RC_ASSERT(actual == IsQuorum(configuration, mask));
}

RC_GTEST_PROP(ConfigurationTest, ATallyIsLostExactlyWhenNoFurtherAnswerCanWin, ()) {
  const Configuration configuration = AnyConfiguration();
  const auto votes = *rc::gen::container<std::vector<int>>(kNodes, rc::gen::inRange(-1, 2));

  const VoteOutcome outcome =
      configuration.Tally([&votes](NodeId node) { return votes[node.value() - 1]; });

  std::uint64_t granted = 0;
  std::uint64_t possible = 0;
  for (std::size_t i = 0; i < kNodes; ++i) {
    if (votes[i] > 0) granted |= std::uint64_t{1} << i;
    if (votes[i] >= 0) possible |= std::uint64_t{1} << i;
  }
  RC_ASSERT((outcome == VoteOutcome::kWon) == IsQuorum(configuration, granted));
  RC_ASSERT((outcome == VoteOutcome::kLost) == !IsQuorum(configuration, possible));
}

RC_GTEST_PROP(ConfigurationTest, NoTwoQuorumsAreDisjoint, ()) {
  const Configuration configuration = AnyConfiguration();
  const auto mask = *rc::gen::inRange<std::uint64_t>(0, 1 << kNodes);
  const auto is_in = [mask](NodeId node) { return ((mask >> (node.value() - 1)) & 1) != 0; };

  const bool one = configuration.HasQuorum(is_in);
  const bool rest = configuration.HasQuorum([&](NodeId node) { return !is_in(node); });

  RC_ASSERT(!(one && rest));
}

TEST(ConfigurationTest, MembersAreEveryNodeOnce) {
  Configuration configuration;
  configuration.voters = {NodeId(1), NodeId(3)};
  configuration.voters_outgoing = {NodeId(1), NodeId(2)};
  configuration.learners = {NodeId(4)};

  EXPECT_EQ(configuration.Members(),
            (std::vector<NodeId>{NodeId(1), NodeId(2), NodeId(3), NodeId(4)}));
  EXPECT_EQ(configuration.Voters(), (std::vector<NodeId>{NodeId(1), NodeId(2), NodeId(3)}));
  EXPECT_TRUE(configuration.IsMember(NodeId(4)));
  EXPECT_FALSE(configuration.IsVoter(NodeId(4)));
}

TEST(ConfigurationTest, AJointConfigurationHasNoSingleVoter) {
  Configuration configuration;
  configuration.voters = {NodeId(1)};
  EXPECT_TRUE(configuration.IsSingleVoter(NodeId(1)));

  configuration.voters_outgoing = {NodeId(1), NodeId(2)};
  EXPECT_FALSE(configuration.IsSingleVoter(NodeId(1)));
}

TEST(ConfigurationTest, AnEmptyConfigurationHasNoQuorum) {
  const Configuration empty;

  EXPECT_FALSE(empty.HasQuorum([](NodeId) { return true; }));
  EXPECT_EQ(empty.QuorumIndex([](NodeId) { return LogIndex(9); }), LogIndex(0));
}

}  // namespace
}  // namespace seshat
