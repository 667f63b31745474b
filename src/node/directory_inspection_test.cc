// What is around the database; tests/process/test_inspect.py looks into directories of real nodes.
#include "seshat/node/directory_inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "seshat/admin/prometheus_metrics.h"
#include "seshat/base/ids.h"
#include "seshat/ports/fatal.h"
#include "seshat/raft/configuration.h"
#include "seshat/raft/group_registry.h"
#include "seshat/storage/identity_file.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NoFatal final : public FatalHandler {
 public:
  void StopNode(const Error& why) override { ADD_FAILURE() << why.message(); }
};

class DirectoryInspectionTest : public testing::Test {
 protected:
  DirectoryInspectionTest()
      : data_dir_(fs::path(testing::TempDir()) /
                  testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(data_dir_);
    const NodeIdentity identity{.node_id = NodeId(3),
                                .cluster_id = {},
                                .store_id = std::string(16, '\x5a'),
                                .bootstrap_hash = {}};
    EXPECT_TRUE(WriteIdentity(data_dir_, identity));
  }
  ~DirectoryInspectionTest() override { fs::remove_all(data_dir_); }

  const fs::path data_dir_;
};

TEST_F(DirectoryInspectionTest, ADirectoryThatWasOnlyPreparedIsSound) {
  const Result<DirectoryInspection> inspection = InspectDirectory({.data_dir = data_dir_});

  ASSERT_TRUE(inspection) << inspection.error().message();
  EXPECT_THAT(inspection->damage, IsEmpty());
  EXPECT_EQ(inspection->identity->node, NodeId(3));
  EXPECT_EQ(inspection->identity->store_id, "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
  EXPECT_EQ(inspection->identity->format_version, 1);
  EXPECT_FALSE(fs::exists(data_dir_ / "rocksdb"));
}

TEST_F(DirectoryInspectionTest, ADamagedIdentityIsNamed) {
  std::ofstream(data_dir_ / "IDENTITY", std::ios::app) << "x";

  const Result<DirectoryInspection> inspection = InspectDirectory({.data_dir = data_dir_});

  ASSERT_TRUE(inspection);
  EXPECT_FALSE(inspection->identity);
  EXPECT_THAT(inspection->damage, ElementsAre(HasSubstr("/IDENTITY: the checksum")));
}

TEST_F(DirectoryInspectionTest, QuarantineIsAFinding) {
  EXPECT_TRUE(WriteIdentity(data_dir_, {.node_id = NodeId(3),
                                        .cluster_id = {},
                                        .store_id = std::string(16, 's'),
                                        .bootstrap_hash = {},
                                        .quarantine = "it differs"}));

  const Result<DirectoryInspection> inspection = InspectDirectory({.data_dir = data_dir_});

  EXPECT_THAT(inspection->damage, ElementsAre(HasSubstr("in quarantine: it differs")));
}

TEST_F(DirectoryInspectionTest, AnIdentityAheadOfTheSystemGroupIsSound) {
  EXPECT_TRUE(WriteIdentity(data_dir_, {.node_id = NodeId(3),
                                        .cluster_id = std::string(16, 'c'),
                                        .store_id = std::string(16, 's'),
                                        .bootstrap_hash = {}}));
  {
    NoFatal fatal;
    PrometheusMetrics metrics;
    const Result<std::unique_ptr<StorageEngine>> engine =
        StorageEngine::Open({.data_dir = data_dir_}, fatal, metrics, NodeId(3));
    ASSERT_TRUE(engine) << engine.error().message();
    Configuration configuration;
    configuration.voters = {NodeId(3)};
    ASSERT_TRUE((*engine)->log().CreateGroup(kSystemGroup,
                                             InitialSnapshotRow(configuration, UnixMillis{1})));
  }

  const Result<DirectoryInspection> inspection = InspectDirectory({.data_dir = data_dir_});

  ASSERT_TRUE(inspection) << inspection.error().message();
  EXPECT_THAT(inspection->damage, IsEmpty());
  ASSERT_EQ(inspection->groups.size(), 1);
  EXPECT_EQ(inspection->groups.front().group, kSystemGroup);
  EXPECT_THAT(inspection->groups.front().members.voters, ElementsAre(NodeId(3)));
}

TEST_F(DirectoryInspectionTest, OneSnapshotsDamageIsNotThatOfAnotherWhoseNameItsOwnBegins) {
  fs::create_directories(data_dir_ / "snapshots" / "snapshot-12");

  EXPECT_EQ(VerifySnapshots(data_dir_, "snapshot-1").error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(VerifySnapshots(data_dir_, "snapshot-12")->damage,
              ElementsAre(HasSubstr("snapshot-12/METADATA: the file is missing")));
  EXPECT_THAT(VerifySnapshots(data_dir_, "")->damage, testing::SizeIs(1));
}

TEST_F(DirectoryInspectionTest, AnUnknownSnapshotIsNotFound) {
  EXPECT_EQ(VerifySnapshots(data_dir_, "snapshot-1").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(VerifySnapshots(data_dir_, "")->snapshots.empty());
  EXPECT_TRUE(ListSnapshots(data_dir_)->snapshots.empty());
}

TEST_F(DirectoryInspectionTest, AFolderThatIsNoDataDirectoryIsRefused) {
  EXPECT_EQ(InspectDirectory({.data_dir = data_dir_ / "none"}).error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(ListSnapshots(data_dir_ / "none").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace seshat
