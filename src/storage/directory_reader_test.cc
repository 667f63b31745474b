// A stopped node's directory is shown as it is, each damage is named, and nothing changes.
//
// A crash is a copy of the folder while the engine runs, as in wal_check_test.cc.
#include "seshat/storage/directory_reader.h"

#include <sys/stat.h>

#include <iterator>

#include "seshat/storage/identity_file.h"
#include "snapshot_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string ContentOf(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void FlipBit(const fs::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(static_cast<std::streamoff>(offset));
  const int byte = file.get();
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x10));
}

// Every name below the folder with its content and the time of its last change, folders too.
std::map<std::string, std::string> PictureOf(const fs::path& folder) {
  std::map<std::string, std::string> picture;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    struct stat facts{};
    EXPECT_EQ(::stat(entry.path().c_str(), &facts), 0);
    std::string& file = picture[entry.path()];
    file = std::to_string(facts.st_mtim.tv_sec) + "." + std::to_string(facts.st_mtim.tv_nsec);
    if (entry.is_regular_file()) file += ContentOf(entry.path());
  }
  return picture;
}

fs::path NewestIn(const fs::path& folder, std::string_view extension) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) newest = std::max(newest, entry.path());
  }
  return newest;
}

class DirectoryReaderTest : public SnapshotFixture {
 protected:
  DirectoryReaderTest() {
    options_.idle_mark_delay = std::chrono::hours(1);
    options_.write_buffer_bytes = std::size_t{4} << 20;
    image_ = options_.data_dir.string() + "_image";
    fs::remove_all(image_);
  }
  ~DirectoryReaderTest() override { fs::remove_all(image_); }

  // Log records, rows of a second generation, and a kept snapshot.
  void MakeDirectory() {
    OpenWithGroup();
    LogWrite write = Records(kFirstDataGroup, 1, {"one", "two"});
    write.state_row = "state";
    ASSERT_TRUE(WriteAndWait(std::move(write)));
    Put("old", "value");
    Clear({{"key", std::string(1000, 'v')}});
    ASSERT_NE(TakeAndKeep(2), nullptr);
    ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 3, {"three"})));
    Put("newer", "value");
    ASSERT_TRUE(WriteIdentity(options_.data_dir, {.node_id = NodeId(1),
                                                  .cluster_id = {},
                                                  .store_id = std::string(16, 's'),
                                                  .bootstrap_hash = {}}));
  }
  void StopAndTakeImage() {
    engine_.reset();
    TakeImage();
  }
  void TakeImage() { fs::copy(options_.data_dir, image_, fs::copy_options::recursive); }

  // Everything that a reader offers, once.
  void ReadAll() {
    Result<std::unique_ptr<DirectoryReader>> opened = DirectoryReader::Open(image_);
    ASSERT_TRUE(opened) << opened.error().message();
    reader_ = *std::move(opened);
    reader_->CheckLogFiles(findings_);
    reader_->OpenDatabase(findings_);
    reader_->CheckTables(findings_);
    for (const auto& snapshot : reader_->Snapshots(findings_)) {
      reader_->CheckTablesOf(*snapshot, findings_);
      snapshots_.push_back(snapshot);
    }
    for (const GroupGenerations& group : reader_->Groups()) {
      EXPECT_TRUE(reader_->Load(group.group));
      scanned_ = reader_->ScanLog(
          group.group, [this](LogIndex, std::string_view value) { log_.emplace_back(value); });
      rows_ = RowsOf(*reader_->View(group.group));
    }
  }

  fs::path image_;
  DirectoryFindings findings_;
  std::unique_ptr<DirectoryReader> reader_;
  std::vector<std::shared_ptr<const Snapshot>> snapshots_;
  Status scanned_;
  std::vector<std::string> log_;
  StateRows rows_;
};

TEST_F(DirectoryReaderTest, ShowsWhatASoundDirectoryHolds) {
  MakeDirectory();
  StopAndTakeImage();

  ReadAll();

  EXPECT_THAT(findings_.damage, IsEmpty());
  EXPECT_THAT(findings_.notes, IsEmpty());
  ASSERT_EQ(reader_->Groups().size(), 1);
  EXPECT_EQ(reader_->Groups().front().group, kFirstDataGroup);
  EXPECT_EQ(reader_->Groups().front().log, 0);
  EXPECT_EQ(reader_->Groups().front().kv, 1);
  const Result<LogContents> contents = reader_->Load(kFirstDataGroup);
  EXPECT_EQ(contents->state_row, "state");
  EXPECT_EQ(contents->snapshot_row, "snapshot");
  EXPECT_EQ(contents->first_index, LogIndex(1));
  EXPECT_EQ(contents->last_index, LogIndex(3));
  EXPECT_THAT(log_, ElementsAre("one", "two", "three"));
  EXPECT_EQ(rows_, (StateRows{{"key", std::string(1000, 'v')}, {"newer", "value"}}));
  ASSERT_EQ(snapshots_.size(), 1);
  EXPECT_EQ(RowsOf(*snapshots_.front()), (StateRows{{"key", std::string(1000, 'v')}}));
}

TEST_F(DirectoryReaderTest, ChangesNothingInACrashedDirectory) {
  MakeDirectory();
  TakeImage();
  const auto before = PictureOf(image_);

  ReadAll();

  EXPECT_THAT(findings_.damage, IsEmpty());
  EXPECT_EQ(rows_.size(), 2);
  snapshots_.clear();
  reader_.reset();
  EXPECT_EQ(PictureOf(image_), before);
}

TEST_F(DirectoryReaderTest, RefusesADirectoryThatARunningNodeHolds) {
  MakeDirectory();

  const Result<std::unique_ptr<DirectoryReader>> opened = DirectoryReader::Open(options_.data_dir);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(opened.error().message(), HasSubstr("in use by another process"));
}

TEST_F(DirectoryReaderTest, KeepsANodeFromStartingAndLetsOthersRead) {
  MakeDirectory();
  engine_.reset();
  const Result<std::unique_ptr<DirectoryReader>> first = DirectoryReader::Open(options_.data_dir);
  ASSERT_TRUE(first);

  EXPECT_TRUE(DirectoryReader::Open(options_.data_dir));
  EXPECT_FALSE(TryOpen());
}

TEST_F(DirectoryReaderTest, RefusesAFolderThatIsNoDataDirectoryAndMakesNothing) {
  fs::create_directories(image_);

  const Result<std::unique_ptr<DirectoryReader>> opened = DirectoryReader::Open(image_);

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(NamesIn(image_), IsEmpty());
}

TEST_F(DirectoryReaderTest, ACopyWithoutItsLockFileIsReadWithoutMakingOne) {
  MakeDirectory();
  StopAndTakeImage();
  fs::remove(image_ / "LOCK");

  ReadAll();

  EXPECT_EQ(rows_.size(), 2);
  EXPECT_FALSE(fs::exists(image_ / "LOCK"));
}

TEST_F(DirectoryReaderTest, NotesATornTailAndShowsWhatLiesBeforeIt) {
  MakeDirectory();
  TakeImage();
  const fs::path log = NewestIn(image_ / "rocksdb", ".log");
  const std::string content = ContentOf(log);
  FlipBit(log, content.rfind("newer"));  // in the last write, which nobody had synced
  const auto before = PictureOf(image_);

  ReadAll();

  EXPECT_THAT(findings_.damage, IsEmpty());
  EXPECT_THAT(findings_.notes, ElementsAre(HasSubstr(log.string() + " is torn from offset")));
  EXPECT_THAT(log_, ElementsAre("one", "two", "three"));
  EXPECT_EQ(rows_, (StateRows{{"key", std::string(1000, 'v')}}));
  EXPECT_EQ(PictureOf(image_), before);
}

TEST_F(DirectoryReaderTest, NamesALogFileWhoseSyncedPartIsDamaged) {
  MakeDirectory();
  StopAndTakeImage();
  const fs::path log = NewestIn(image_ / "rocksdb", ".log");
  FlipBit(log, ContentOf(log).find("three"));

  ReadAll();

  EXPECT_THAT(findings_.damage, ElementsAre(HasSubstr(log.string() + " is damaged at offset")));
}

TEST_F(DirectoryReaderTest, NamesEachTableFileWithABadChecksum) {
  MakeDirectory();
  StopAndTakeImage();
  const fs::path table = NewestIn(image_ / "rocksdb", ".sst");
  FlipBit(table, 10);
  const fs::path linked = NewestIn(NewestIn(image_ / "snapshots", ""), ".sst");
  FlipBit(linked, 10);  // a copy made it a file of its own

  ReadAll();

  EXPECT_THAT(findings_.damage,
              testing::IsSupersetOf({StartsWith(table.string()), StartsWith(linked.string())}));
}

TEST_F(DirectoryReaderTest, NamesTheTablesOfADatabaseThatDoesNotOpen) {
  MakeDirectory();
  StopAndTakeImage();
  const fs::path table = NewestIn(image_ / "rocksdb", ".sst");
  fs::resize_file(table, fs::file_size(table) - 20);

  ReadAll();

  EXPECT_TRUE(reader_->Groups().empty());
  EXPECT_THAT(findings_.damage, testing::Contains(HasSubstr("cannot open")));
  EXPECT_THAT(findings_.damage, testing::Contains(HasSubstr(table.string())));
}

TEST_F(DirectoryReaderTest, NamesADamagedManifest) {
  MakeDirectory();
  StopAndTakeImage();
  for (const auto& entry : fs::directory_iterator(image_ / "rocksdb")) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) FlipBit(entry.path(), 20);
  }

  ReadAll();

  EXPECT_THAT(findings_.damage, testing::Contains(HasSubstr("MANIFEST-")));
}

TEST_F(DirectoryReaderTest, NotesATornManifestAndShowsWhatLiesBeforeIt) {
  MakeDirectory();
  StopAndTakeImage();
  fs::path manifest;
  for (const auto& entry : fs::directory_iterator(image_ / "rocksdb")) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) manifest = entry.path();
  }
  // A header whose record the disk had not written: RocksDB refuses it, a start cuts it off.
  std::ofstream(manifest, std::ios::binary | std::ios::app)
      << "crc." << std::string("\x10\0\x01", 3) << std::string(15, '\0') << 'x';
  const std::uintmax_t size = fs::file_size(manifest);

  ReadAll();

  EXPECT_THAT(findings_.damage, IsEmpty());
  EXPECT_THAT(findings_.notes, ElementsAre(HasSubstr(manifest.string() + " is torn from offset")));
  EXPECT_THAT(log_, ElementsAre("one", "two", "three"));
  EXPECT_EQ(rows_.count("newer"), 1u);
  EXPECT_EQ(fs::file_size(manifest), size);
}

TEST_F(DirectoryReaderTest, NamesTheMetadataOfASnapshotThatCannotBeUsed) {
  MakeDirectory();
  StopAndTakeImage();
  const fs::path metadata = NewestIn(image_ / "snapshots", "") / "METADATA";
  FlipBit(metadata, fs::file_size(metadata) - 1);

  ReadAll();

  EXPECT_THAT(findings_.damage, ElementsAre(HasSubstr(metadata.string())));
  EXPECT_THAT(snapshots_, IsEmpty());
}

TEST_F(DirectoryReaderTest, TableFilesThatCameInFromAnotherNodeAreWhole) {
  OpenWithGroup();
  Result<std::shared_ptr<IncomingState>> state = Receive(*engine_, {{"a", "1"}, {"b", "2"}});
  ASSERT_TRUE(state);
  ASSERT_TRUE(WriteAndWait(Installation(*std::move(state), 10, "snapshot at 9")));
  StopAndTakeImage();

  ReadAll();

  EXPECT_THAT(findings_.damage, IsEmpty());
  EXPECT_EQ(rows_, (StateRows{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(reader_->Load(kFirstDataGroup)->first_index, LogIndex(10));
  EXPECT_EQ(reader_->Load(kFirstDataGroup)->last_index, LogIndex(9));
}

}  // namespace
}  // namespace seshat
