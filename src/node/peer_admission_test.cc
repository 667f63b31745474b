#include "peer_admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace seshat {
namespace {

using ::testing::HasSubstr;

class PeerAdmissionTest : public ::testing::Test {
 protected:
  static PeerHello Hello(std::uint64_t node, const std::string& store_id) {
    PeerHello hello;
    hello.node_id = NodeId(node);
    hello.identity.store_id = store_id;
    return hello;
  }

  // A cluster of nodes 1 to 3, all registered with store ids "s1" to "s3".
  void FoundCluster() {
    std::vector<ClusterMember> members;
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ClusterMember member;
      member.id = NodeId(id);
      member.store_id = "s" + std::to_string(id);
      members.push_back(member);
    }
    cluster_.Publish(InitialClusterState("cluster", members, {}));
  }

  std::string Refusal(const PeerHello& peer) {
    const Status admitted = admission_.Admit(peer);
    if (admitted) {
      ADD_FAILURE() << "admitted";
      return "";
    }
    EXPECT_EQ(admitted.error().code(), ErrorCode::kPermissionDenied);
    return admitted.error().message();
  }

  ClusterStateSource cluster_;
  std::map<NodeId, std::string> recorded_;  // what the disk would hold
  int remember_calls_ = 0;
  PeerAdmission admission_{NodeId(1),
                           {NodeId(1), NodeId(2), NodeId(3)},
                           cluster_,
                           [this](NodeId peer, std::string_view store_id) -> Result<std::string> {
                             ++remember_calls_;
                             return recorded_.try_emplace(peer, store_id).first->second;
                           }};
};

TEST_F(PeerAdmissionTest, AFounderIsAdmittedAndRemembered) {
  EXPECT_TRUE(admission_.Admit(Hello(2, "s2")).has_value());

  EXPECT_EQ(recorded_[NodeId(2)], "s2");
}

TEST_F(PeerAdmissionTest, BeforeTheMembersAreKnownWhoeverShowsThisNodesClusterIdIsAdmitted) {
  PeerHello member = Hello(9, "s9");
  member.identity.cluster_id = "cluster";
  EXPECT_THAT(Refusal(member), HasSubstr("not in initial_members"));

  admission_.SetClusterId("cluster");

  EXPECT_TRUE(admission_.Admit(member).has_value());
  member.identity.cluster_id = "";
  EXPECT_THAT(Refusal(member), HasSubstr("not in initial_members"));
  FoundCluster();
  member.identity.cluster_id = "cluster";
  EXPECT_THAT(Refusal(member), HasSubstr("not a member"));
}

TEST_F(PeerAdmissionTest, ANodeThatWasRemovedIsToldSo) {
  FoundCluster();
  ClusterState state = *cluster_.Get();
  state.members.pop_back();
  state.removed = {NodeId(3)};
  cluster_.Publish(state);

  EXPECT_TRUE(IsRemovalRefusal(Refusal(Hello(3, "s3"))));
  EXPECT_FALSE(IsRemovalRefusal(Refusal(Hello(4, "s4"))));
}

TEST_F(PeerAdmissionTest, TheDiskIsAskedOncePerPeer) {
  ASSERT_TRUE(admission_.Admit(Hello(2, "s2")).has_value());
  ASSERT_TRUE(admission_.Admit(Hello(2, "s2")).has_value());

  EXPECT_EQ(remember_calls_, 1);
}

TEST_F(PeerAdmissionTest, AStrangerIsRefusedBeforeTheClusterIsFounded) {
  EXPECT_THAT(Refusal(Hello(4, "s4")), HasSubstr("initial_members"));
  EXPECT_TRUE(recorded_.empty());
}

TEST_F(PeerAdmissionTest, AStrangerIsRefusedAfterTheClusterIsFounded) {
  FoundCluster();

  EXPECT_THAT(Refusal(Hello(4, "s4")), HasSubstr("not a member"));
}

TEST_F(PeerAdmissionTest, OnesOwnIdIsRefused) {
  EXPECT_THAT(Refusal(Hello(1, "other")), HasSubstr("own id"));
}

TEST_F(PeerAdmissionTest, AnotherStoreIdThanRememberedIsAWipedDisk) {
  recorded_[NodeId(2)] = "s2";

  const std::string refusal = Refusal(Hello(2, "wiped"));

  EXPECT_TRUE(IsWipedDiskRefusal(refusal)) << refusal;
  EXPECT_EQ(recorded_[NodeId(2)], "s2");
}

TEST_F(PeerAdmissionTest, AnotherStoreIdThanRegisteredIsAWipedDisk) {
  FoundCluster();

  EXPECT_TRUE(IsWipedDiskRefusal(Refusal(Hello(3, "wiped"))));
  EXPECT_TRUE(admission_.Admit(Hello(3, "s3")).has_value());
}

TEST_F(PeerAdmissionTest, APeerThatDoesNotKnowTheClustersLevelIsRefused) {
  FoundCluster();
  PeerHello old = Hello(2, "s2");
  old.identity.feature_level_min = FeatureLevel(0);
  old.identity.feature_level_max = FeatureLevel(0);

  EXPECT_THAT(Refusal(old), HasSubstr("feature levels 0 to 0"));
}

TEST_F(PeerAdmissionTest, TheClusterOfAPeerIsNotedEvenWhenItIsRefused) {
  recorded_[NodeId(2)] = "s2";
  PeerHello peer = Hello(2, "wiped");
  peer.identity.cluster_id = "elsewhere";

  Refusal(peer);

  EXPECT_EQ(admission_.ClusterIdOf(NodeId(2)), "elsewhere");
  EXPECT_EQ(admission_.ClusterIdOf(NodeId(3)), "");
}

TEST_F(PeerAdmissionTest, ADiskThatCannotRememberAdmitsNobody) {
  PeerAdmission admission(NodeId(1), {NodeId(2)}, cluster_,
                          [](NodeId, std::string_view) -> Result<std::string> {
                            return MakeError(ErrorCode::kIo, "no");
                          });

  EXPECT_FALSE(admission.Admit(Hello(2, "s2")).has_value());
}

}  // namespace
}  // namespace seshat
