#include "info_log.h"

#include <rocksdb/env.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faulty_disk.h"
#include "storage_fixture.h"
#include "synced_manifest.h"
#include "wal_file_system.h"

namespace seshat {
namespace {

using testing::HasSubstr;

// The log as RocksDB is given it.
class InfoLogTest : public testing::Test {
 protected:
  InfoLogTest() { EXPECT_TRUE(env_->NewLogger(path_, &log_).ok()); }
  ~InfoLogTest() override { std::filesystem::remove_all(folder_); }

  std::string Content() const {
    std::ostringstream content;
    content << std::ifstream(path_).rdbuf();
    return content.str();
  }

  const std::filesystem::path folder_ = EmptyTestFolder();
  const std::string path_ = folder_ / "info";
  FaultyDisk disk_{folder_};
  std::unique_ptr<rocksdb::Env> env_ = MakeWalEnv(disk_.env(), std::make_shared<SyncedManifest>());
  std::shared_ptr<rocksdb::Logger> log_;
};

TEST_F(InfoLogTest, ALineIsInTheFileAtOnceAndCounted) {
  rocksdb::Error(log_, "%d files of %s", 7, "one kind");

  EXPECT_THAT(Content(), HasSubstr("7 files of one kind\n"));
  EXPECT_EQ(log_->GetLogFileSize(), Content().size());
}

TEST_F(InfoLogTest, AFullDiskCostsALineOnly) {
  disk_.FailForLackOfSpace(FileKind::kOther, DiskOperation::kAppend);

  for (const char* const line : {"lost", "kept"}) {
    rocksdb::Error(log_, "%s", line);
    log_->Flush();
  }

  EXPECT_THAT(Content(), HasSubstr("kept\n"));
  EXPECT_THAT(Content(), testing::Not(HasSubstr("lost")));
}

}  // namespace
}  // namespace seshat
