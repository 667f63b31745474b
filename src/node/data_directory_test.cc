#include "data_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "seshat/admin/prometheus_metrics.h"
#include "seshat/base/random.h"
#include "seshat/node/real_ports.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DataDirectoryTest : public ::testing::Test {
 protected:
  DataDirectoryTest()
      : directory_(std::filesystem::path(testing::TempDir()) /
                   testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(directory_);
  }
  ~DataDirectoryTest() override { std::filesystem::remove_all(directory_); }

  const std::filesystem::path directory_;
};

// A configuration of node 1 of three.
NodeConfig FoundingConfig() {
  NodeConfig config;
  config.data_dir = "/data";
  config.bootstrap = true;
  config.initial_members = {{NodeId(1), {"a", 1}}, {NodeId(2), {"b", 1}}, {NodeId(3), {"c", 1}}};
  return config;
}

NodeIdentity IdentityOf(const NodeConfig& config) {
  return {.node_id = config.node_id,
          .cluster_id = "",
          .store_id = "0123456789abcdef",
          .bootstrap_hash = BootstrapHash(config.cluster_name, config.FoundingMembers())};
}

std::string Refusal(const NodeConfig& config, const std::optional<NodeIdentity>& on_disk,
                    bool has_groups = false) {
  SystemRng rng;
  const Result<IdentityDecision> decision = DecideIdentity(config, on_disk, has_groups, rng);
  if (decision) {
    ADD_FAILURE() << "not refused";
    return "";
  }
  EXPECT_EQ(decision.error().code(), ErrorCode::kFailedPrecondition);
  return decision.error().message();
}

// A node that dies at its very first start must be able to start again.
TEST_F(DataDirectoryTest, WhatAStartLeavesBeforeItsIdentityIsOurs) {
  ProcessFatalHandler fatal;
  PrometheusMetrics metrics;
  ASSERT_TRUE(CheckDataDirectory(directory_).has_value());
  ASSERT_TRUE(StorageEngine::Open({.data_dir = directory_}, fatal, metrics, NodeId(1)).has_value());

  const Status checked = CheckDataDirectory(directory_);

  EXPECT_TRUE(checked.has_value()) << checked.error().message();
}

TEST_F(DataDirectoryTest, AMissingDirectoryIsMade) {
  EXPECT_TRUE(CheckDataDirectory(directory_ / "deep").has_value());

  EXPECT_TRUE(std::filesystem::is_directory(directory_ / "deep"));
}

TEST_F(DataDirectoryTest, WhatANodeLeavesBeforeItsIdentityIsNotForeign) {
  std::filesystem::create_directories(directory_ / "rocksdb");
  std::ofstream(directory_ / "LOCK") << "";

  EXPECT_TRUE(CheckDataDirectory(directory_).has_value());
}

TEST_F(DataDirectoryTest, AForeignDirectoryIsRefusedByName) {
  std::filesystem::create_directories(directory_ / "photos");

  const Status checked = CheckDataDirectory(directory_);

  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(checked.error().message(),
              AllOf(HasSubstr(directory_.string()), HasSubstr("photos")));
}

TEST_F(DataDirectoryTest, AFileInItsPlaceIsAnErrorThatNamesIt) {
  std::ofstream(directory_) << "a file";

  const Status checked = CheckDataDirectory(directory_);

  ASSERT_FALSE(checked.has_value());
  EXPECT_THAT(checked.error().message(), HasSubstr(directory_.string()));
}

TEST(BootstrapHashTest, DependsOnNameIdsAndAddressesOnly) {
  const NodeConfig config = FoundingConfig();
  const std::string hash = BootstrapHash("", config.initial_members);
  std::vector<FoundingMember> other_id = config.initial_members;
  other_id[2].node = NodeId(4);
  std::vector<FoundingMember> other_port = config.initial_members;
  other_port[2].internal_address.port = 2;

  EXPECT_EQ(hash.size(), 32u);
  EXPECT_EQ(hash, BootstrapHash("", config.initial_members));
  EXPECT_NE(hash, BootstrapHash("name", config.initial_members));
  EXPECT_NE(hash, BootstrapHash("", other_id));
  EXPECT_NE(hash, BootstrapHash("", other_port));
}

TEST(DecideIdentityTest, AnEmptyDirectoryGetsANewIdentityWithAnIdOfItsOwn) {
  SystemRng rng;

  const Result<IdentityDecision> first = DecideIdentity(FoundingConfig(), {}, false, rng);
  const Result<IdentityDecision> second = DecideIdentity(FoundingConfig(), {}, false, rng);

  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_TRUE(first->is_new);
  EXPECT_EQ(first->identity.store_id.size(), 16u);
  EXPECT_NE(first->identity.store_id, second->identity.store_id);
  EXPECT_EQ(first->identity.bootstrap_hash, second->identity.bootstrap_hash);
}

TEST(DecideIdentityTest, ADirectoryInQuarantineIsNeverServedAgain) {
  const NodeConfig config = FoundingConfig();
  NodeIdentity identity = IdentityOf(config);
  identity.quarantine = "its state of group 1 differed";

  EXPECT_THAT(Refusal(config, identity),
              HasSubstr("is in quarantine: its state of group 1 differed"));
}

TEST(DecideIdentityTest, NothingConfiguredFoundsAClusterOfOne) {
  SystemRng rng;

  const Result<IdentityDecision> decision = DecideIdentity(NodeConfig(), {}, false, rng);

  ASSERT_TRUE(decision.has_value());
  EXPECT_TRUE(decision->is_new);
}

TEST(DecideIdentityTest, TheSameFlagsAgainGoOnWithWhatIsThere) {
  SystemRng rng;
  const NodeIdentity identity = IdentityOf(FoundingConfig());

  const Result<IdentityDecision> decision = DecideIdentity(FoundingConfig(), identity, true, rng);

  ASSERT_TRUE(decision.has_value());
  EXPECT_FALSE(decision->is_new);
  EXPECT_EQ(decision->identity, identity);
}

TEST(DecideIdentityTest, AnotherNodesDirectoryIsRefused) {
  NodeConfig config = FoundingConfig();
  const NodeIdentity identity = IdentityOf(config);
  config.node_id = NodeId(2);

  EXPECT_THAT(Refusal(config, identity), AllOf(HasSubstr("node_id = 2"), HasSubstr("node 1")));
}

TEST(DecideIdentityTest, AnotherMemberListIsRefusedWhileTheClusterIsBeingFounded) {
  NodeConfig config = FoundingConfig();
  const NodeIdentity identity = IdentityOf(config);
  config.initial_members.pop_back();

  EXPECT_THAT(Refusal(config, identity), HasSubstr("initial_members"));
}

TEST(DecideIdentityTest, AnotherMemberListDoesNotMatterOnceTheClusterIsKnown) {
  SystemRng rng;
  NodeConfig config = FoundingConfig();
  NodeIdentity identity = IdentityOf(config);
  identity.cluster_id = "fedcba9876543210";
  config.initial_members.pop_back();

  EXPECT_TRUE(DecideIdentity(config, identity, true, rng).has_value());
}

TEST(DecideIdentityTest, DataWithoutIdentityIsRefused) {
  EXPECT_THAT(Refusal(FoundingConfig(), {}, true), HasSubstr("IDENTITY"));
}

TEST(DecideIdentityTest, MembersWithoutBootstrapDoNotFoundACluster) {
  NodeConfig config = FoundingConfig();
  config.bootstrap = false;

  EXPECT_THAT(Refusal(config, {}), HasSubstr("--bootstrap"));
}

TEST_F(DataDirectoryTest, ANodeThatIsToJoinFoundsNothingWithoutBeingTold) {
  NodeConfig joining;
  joining.data_dir = "/data";
  joining.join = Endpoint{"a", 1};
  SystemRng rng;
  const Result<IdentityDecision> begun = DecideIdentity(joining, std::nullopt, false, rng);
  ASSERT_TRUE(begun.has_value()) << begun.error().message();
  EXPECT_TRUE(DecideIdentity(joining, begun->identity, false, rng).has_value());

  joining.join.reset();

  EXPECT_THAT(Refusal(joining, begun->identity), HasSubstr("join"));
}

}  // namespace
}  // namespace seshat
