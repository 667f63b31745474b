// What damage to the manifest does at start: below the highest mark the node does not start, above
// it the tail is cut off.
#include "manifest_check.h"

#include "posix_file.h"
#include "rocksdb_files.h"
#include "storage_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ManifestCheckTest : public StorageFixture {
 protected:
  // A closed database with one record in its log.
  void MakeClosed() {
    OpenWithGroup();
    ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a"})));
    engine_.reset();
  }
  fs::path Manifest() const {
    for (const fs::directory_entry& entry : fs::directory_iterator(rocksdb_dir())) {
      if (ManifestNumber(entry.path())) return entry.path();
    }
    return {};
  }
  std::string ReadManifest() const { return ReadSmallFile(Manifest(), 1 << 20)->value(); }
  void WriteManifest(const std::string& content) const {
    std::ofstream(Manifest(), std::ios::binary | std::ios::trunc) << content;
  }
};

TEST_F(ManifestCheckTest, ATailBehindTheLastMarkIsCutOffAndKeptAside) {
  MakeClosed();
  const fs::path manifest = Manifest();
  const std::string whole = ReadManifest();
  // A header whose record the disk had not written, as RocksDB would refuse it.
  const std::string torn = whole + "crc." + std::string("\x10\0\x01", 3) + std::string(15, '\0');
  WriteManifest(torn + "x");

  Open();

  const TornTail tail = engine_->open_report().torn_manifest.value();
  EXPECT_EQ(tail.file, manifest);
  EXPECT_EQ(tail.offset, whole.size());
  EXPECT_EQ(*ReadSmallFile(tail.kept_aside / manifest.filename(), 1 << 20), torn + "x");
  EXPECT_THAT(ReadLog(), ElementsAre("a"));
}

TEST_F(ManifestCheckTest, ADamagedSyncedRecordRefusesToOpenAndChangesNothing) {
  MakeClosed();
  std::string content = ReadManifest();
  content.back() = static_cast<char>(content.back() ^ 1);
  WriteManifest(content);

  const auto opened = TryOpen();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(opened.error().message(), HasSubstr(Manifest().string()));
  EXPECT_EQ(ReadManifest(), content);
}

TEST_F(ManifestCheckTest, AnUndamagedManifestIsLeftAlone) {
  MakeClosed();

  Open();

  EXPECT_FALSE(engine_->open_report().torn_manifest.has_value());
}

}  // namespace
}  // namespace seshat
