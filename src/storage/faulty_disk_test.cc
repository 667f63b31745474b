// The disk that the storage tests run on: what it may lose, it sometimes loses; what it may not
// lose, it never does. Through our own door, the system calls.
#include "faulty_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <set>

#include "posix_file.h"
#include "storage_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

class FaultyDiskTest : public testing::Test {
 protected:
  ~FaultyDiskTest() override { fs::remove_all(root_); }

  // What `look` sees after a power failure that follows on `changes`, over many seeds.
  std::set<std::string> Outcomes(const std::function<void()>& changes,
                                 const std::function<std::string()>& look) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      fs::remove_all(root_);
      fs::create_directories(root_);
      FaultyDisk disk(root_);
      disk_ = &disk;
      changes();
      Random random(seed);
      disk.Restart();
      disk.LoseUnsynced(random);
      seen.insert(look());
    }
    return seen;
  }
  std::string Content() const {
    return ReadSmallFile(root_ / "file", 1 << 20)->value_or("no file");
  }
  FileDescriptor Create() const {
    return FileDescriptor(::open((root_ / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  }
  static void Append(const FileDescriptor& file, std::string_view data) {
    EXPECT_EQ(::write(file.get(), data.data(), data.size()), static_cast<ssize_t>(data.size()));
  }

  const fs::path root_ = TestFolder();
  FaultyDisk* disk_ = nullptr;
};

TEST_F(FaultyDiskTest, WhatIsSyncedStays) {
  const auto changes = [this] { EXPECT_TRUE(ReplaceFile(root_ / "file", "synced")); };

  EXPECT_THAT(Outcomes(changes, [this] { return Content(); }), testing::ElementsAre("synced"));
}

TEST_F(FaultyDiskTest, AnAppendThatIsNotSyncedMayStayGoOrBeTorn) {
  const auto changes = [this] {
    const FileDescriptor file = Create();
    Append(file, "ab");
    EXPECT_EQ(::fsync(file.get()), 0);
    EXPECT_TRUE(SyncFolder(root_));
    Append(file, "cd");
  };

  const std::set<std::string> seen = Outcomes(changes, [this] { return Content(); });

  for (const std::string& content : seen) EXPECT_TRUE(content.starts_with("ab")) << content;
  EXPECT_THAT(seen, testing::IsSupersetOf({"ab", "abc", "abcd"}));
}

TEST_F(FaultyDiskTest, ANameThatIsNotSyncedMayGo) {
  const auto changes = [this] {
    const FileDescriptor file = Create();
    Append(file, "a");
    EXPECT_EQ(::fsync(file.get()), 0);
  };

  EXPECT_THAT(Outcomes(changes, [this] { return Content(); }),
              testing::ElementsAre("a", "no file"));
}

TEST_F(FaultyDiskTest, ARenameOrARemovalThatIsNotSyncedMayBeTakenBack) {
  const auto renamed = [this] {
    EXPECT_TRUE(ReplaceFile(root_ / "file", "old"));
    EXPECT_TRUE(ReplaceFile(root_ / "other", "new"));
    EXPECT_EQ(::rename((root_ / "other").c_str(), (root_ / "file").c_str()), 0);
  };
  const auto removed = [this] {
    EXPECT_TRUE(ReplaceFile(root_ / "file", "old"));
    EXPECT_TRUE(RemoveFile(root_ / "file"));
  };

  EXPECT_THAT(Outcomes(renamed, [this] { return Content(); }), testing::ElementsAre("new", "old"));
  EXPECT_THAT(Outcomes(removed, [this] { return Content(); }),
              testing::ElementsAre("no file", "old"));
}

TEST_F(FaultyDiskTest, ATruncationThatIsNotSyncedMayBeTakenBack) {
  const auto changes = [this] {
    EXPECT_TRUE(ReplaceFile(root_ / "file", "abcd"));
    const FileDescriptor file(::open((root_ / "file").c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), 1), 0);
  };

  EXPECT_THAT(Outcomes(changes, [this] { return Content(); }), testing::ElementsAre("a", "abcd"));
}

TEST_F(FaultyDiskTest, ASyncAfterAFailedOneMakesNothingDurable) {
  const auto changes = [this] {
    const FileDescriptor file = Create();
    EXPECT_TRUE(SyncFolder(root_));
    Append(file, "a");
    disk_->Fail(FileKind::kOther, DiskOperation::kSync);
    EXPECT_NE(::fsync(file.get()), 0);
    EXPECT_EQ(::fsync(file.get()), 0);
  };

  const std::set<std::string> seen = Outcomes(changes, [this] { return Content(); });

  EXPECT_THAT(seen, testing::Contains(""));
}

TEST_F(FaultyDiskTest, WhatIsDoneWithThePowerOffIsTakenBack) {
  const auto changes = [this] {
    EXPECT_TRUE(ReplaceFile(root_ / "file", "old"));
    disk_->CutPower();
    EXPECT_TRUE(ReplaceFile(root_ / "file", "new"));
  };

  EXPECT_THAT(Outcomes(changes, [this] { return Content(); }), testing::ElementsAre("old"));
}

// Each level: a parent made before, by a process that died before its sync, too.
TEST_F(FaultyDiskTest, AFolderThatWasMadeStaysWithItsParents) {
  const auto changes = [this] {
    EXPECT_EQ(::mkdir((root_ / "a").c_str(), 0700), 0);
    EXPECT_TRUE(MakeFolder(root_ / "a" / "b" / "c"));
  };
  const auto look = [this] { return fs::is_directory(root_ / "a" / "b" / "c") ? "kept" : "lost"; };

  EXPECT_THAT(Outcomes(changes, look), testing::ElementsAre("kept"));
}

}  // namespace
}  // namespace seshat
