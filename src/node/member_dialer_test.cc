#include "member_dialer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace seshat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MemberDialerTest : public ::testing::Test {
 protected:
  // A cluster of node 1, which is this one, and node 2 at `address`.
  static ClusterState ClusterWithPeerAt(const std::string& address) {
    ClusterMember self;
    self.id = NodeId(1);
    self.internal_address = "self:1";
    ClusterMember peer;
    peer.id = NodeId(2);
    peer.internal_address = address;
    return InitialClusterState("cluster", {self, peer}, {});
  }

  void Update(const ClusterState& state) { dialer_.Update(state, now_); }
  void LetPatienceRunOut() { now_ = now_ + MemberDialer::kPatience; }

  MonotonicTime now_{std::chrono::hours(1)};
  std::set<NodeId> connected_;
  std::vector<std::string> dialled_;
  std::vector<NodeId> hung_up_;
  MemberDialer dialer_{NodeId(1),
                       {{NodeId(1), {"self", 1}}, {NodeId(2), {"flag", 2}}},
                       [this](NodeId, const std::string& address) { dialled_.push_back(address); },
                       [this](NodeId peer) { hung_up_.push_back(peer); },
                       [this](NodeId peer) { return connected_.contains(peer); }};
};

TEST_F(MemberDialerTest, BeforeTheClusterIsKnownTheConfiguredAddressesAreDialledOnce) {
  Update({});
  LetPatienceRunOut();
  Update({});

  EXPECT_THAT(dialled_, ElementsAre("flag:2"));
}

TEST_F(MemberDialerTest, TheClustersAddressComesFirstThenTheConfiguredOneInTurn) {
  Update(ClusterWithPeerAt("moved:2"));
  Update(ClusterWithPeerAt("moved:2"));
  LetPatienceRunOut();
  Update(ClusterWithPeerAt("moved:2"));
  LetPatienceRunOut();
  Update(ClusterWithPeerAt("moved:2"));

  EXPECT_THAT(dialled_, ElementsAre("moved:2", "flag:2", "moved:2"));
}

TEST_F(MemberDialerTest, APeerThatAnswersIsLeftAlone) {
  Update(ClusterWithPeerAt("moved:2"));
  connected_.insert(NodeId(2));
  LetPatienceRunOut();
  Update(ClusterWithPeerAt("moved:2"));

  EXPECT_THAT(dialled_, ElementsAre("moved:2"));
}

TEST_F(MemberDialerTest, AConnectedPeerThatRegistersWhereItIsDialledIsNotDialledAnew) {
  Update({});
  connected_.insert(NodeId(2));

  Update(ClusterWithPeerAt("flag:2"));

  EXPECT_THAT(dialled_, ElementsAre("flag:2"));
}

TEST_F(MemberDialerTest, WhoIsNotAMemberIsNotDialledWhateverTheConfigurationSays) {
  ClusterMember self;
  self.id = NodeId(1);

  Update(InitialClusterState("cluster", {self}, {}));

  EXPECT_THAT(dialled_, IsEmpty());
}

TEST_F(MemberDialerTest, ANodeThatWasRemovedIsHungUpOnOnce) {
  Update(ClusterWithPeerAt("b:2"));
  ClusterState state = ClusterWithPeerAt("b:2");
  state.members.pop_back();
  state.removed = {NodeId(2)};

  Update(state);
  LetPatienceRunOut();
  Update(state);

  EXPECT_THAT(hung_up_, ElementsAre(NodeId(2)));
  EXPECT_THAT(dialled_, ElementsAre("b:2"));
}

TEST_F(MemberDialerTest, AMemberWithoutAnAddressIsNotDialled) {
  Update(ClusterWithPeerAt("b:2"));
  ClusterState state = ClusterWithPeerAt("b:2");
  ClusterMember expected;
  expected.id = NodeId(4);
  state.members.push_back(expected);

  Update(state);

  EXPECT_THAT(dialled_, ElementsAre("b:2"));
}

TEST_F(MemberDialerTest, WhoeverAMemberNamedIsDialledBeforeTheClusterIsKnown) {
  dialer_.Configure({{NodeId(1), {"self", 1}}, {NodeId(3), {"c", 3}}});

  Update({});

  EXPECT_THAT(dialled_, ElementsAre("c:3"));
}

}  // namespace
}  // namespace seshat
