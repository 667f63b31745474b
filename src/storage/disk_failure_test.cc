// A disk that fails: nothing counts as durable before its sync, and the first failure stops the
// node without a retry.
#include "faulty_disk.h"
#include "storage_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class DiskFailureTest : public StorageFixture {
 protected:
  DiskFailureTest() {
    options_.env = disk_.env();
    options_.idle_mark_delay = std::chrono::hours(1);
  }
  // The engine goes before the disk it runs on.
  ~DiskFailureTest() override { engine_.reset(); }

  void Write(LogWrite write) {
    engine_->log().Write(std::move(write), [this] { ++called_back_; });
  }
  bool Stopped() const { return !fatal_.reasons().empty(); }

  FaultyDisk disk_{options_.data_dir};
  std::atomic<int> called_back_ = 0;
};

TEST_F(DiskFailureTest, AWriteIsCalledBackOnlyAfterItsSync) {
  OpenWithGroup();
  disk_.HoldLogSyncs();

  Write(Records(kFirstDataGroup, 1, {"a"}));
  ASSERT_TRUE(Eventually([this] { return disk_.log_syncs_waiting() == 1; }));
  const int during_sync = called_back_;
  disk_.ReleaseLogSyncs();

  EXPECT_EQ(during_sync, 0);
  EXPECT_TRUE(Eventually([this] { return called_back_ == 1; }));
}

TEST_F(DiskFailureTest, WritesThatWaitForASyncShareTheNext) {
  OpenWithGroup();
  disk_.HoldLogSyncs();
  Write(Records(kFirstDataGroup, 1, {"a"}));
  ASSERT_TRUE(Eventually([this] { return disk_.log_syncs_waiting() == 1; }));
  const int syncs_before = disk_.count(FileKind::kLog, DiskOperation::kSync);

  for (std::uint64_t i = 2; i <= 50; ++i) Write(Records(kFirstDataGroup, i, {"b"}));
  disk_.ReleaseLogSyncs();
  ASSERT_TRUE(Eventually([this] { return called_back_ == 50; }));

  EXPECT_EQ(disk_.count(FileKind::kLog, DiskOperation::kSync), syncs_before + 2);
}

TEST_F(DiskFailureTest, AppliedStateIsNotSyncedAndDoesNotWaitForSyncs) {
  OpenWithGroup();
  disk_.HoldLogSyncs();
  Write(Records(kFirstDataGroup, 1, {"a"}));
  ASSERT_TRUE(Eventually([this] { return disk_.log_syncs_waiting() == 1; }));
  const int syncs_before = disk_.count(FileKind::kLog, DiskOperation::kSync);

  engine_->state().Write(kFirstDataGroup, Puts({{"key", "value"}}));
  const std::optional<std::string> value = Get("key");
  const int syncs_after = disk_.count(FileKind::kLog, DiskOperation::kSync);
  disk_.ReleaseLogSyncs();

  EXPECT_EQ(value, "value");
  EXPECT_EQ(syncs_after, syncs_before);
}

TEST_F(DiskFailureTest, AFailedSyncStopsTheNodeAndIsNotTriedAgain) {
  OpenWithGroup();
  disk_.Fail(FileKind::kLog, DiskOperation::kSync);
  const int syncs_before = disk_.count(FileKind::kLog, DiskOperation::kSync);

  Write(Records(kFirstDataGroup, 1, {"a"}));
  ASSERT_TRUE(Eventually([this] { return Stopped(); }));
  Write(Records(kFirstDataGroup, 2, {"b"}));
  engine_->Stop();

  EXPECT_EQ(called_back_, 0);
  EXPECT_EQ(disk_.count(FileKind::kLog, DiskOperation::kSync), syncs_before + 1);
  EXPECT_THAT(fatal_.reasons(), SizeIs(1));
}

TEST_F(DiskFailureTest, AFailedLogWriteStopsTheNode) {
  OpenWithGroup();
  disk_.Fail(FileKind::kLog, DiskOperation::kAppend);

  Write(Records(kFirstDataGroup, 1, {"a"}));

  ASSERT_TRUE(Eventually([this] { return Stopped(); }));
  engine_->Stop();
  EXPECT_EQ(called_back_, 0);
  EXPECT_THAT(fatal_.reasons().front().message(), HasSubstr("injected error"));
}

TEST_F(DiskFailureTest, AFailedWriteOfAppliedStateStopsTheNode) {
  OpenWithGroup();
  disk_.Fail(FileKind::kLog, DiskOperation::kAppend);

  engine_->state().Write(kFirstDataGroup, Puts({{"key", "value"}}));

  EXPECT_TRUE(Stopped());
}

TEST_F(DiskFailureTest, AFailedFlushInTheBackgroundStopsTheNode) {
  options_.wal_bytes_max = std::uint64_t{64} << 10;
  OpenWithGroup();
  disk_.Fail(FileKind::kTable, DiskOperation::kAppend);

  for (int i = 0; i < 100 && !Stopped(); ++i) {
    engine_->state().Write(kFirstDataGroup, Puts({{"key", std::string(10'000, 'v')}}));
  }

  ASSERT_TRUE(Eventually([this] { return Stopped(); }));
  Write(Records(kFirstDataGroup, 1, {"a"}));
  engine_->Stop();
  EXPECT_EQ(called_back_, 0);
  EXPECT_THAT(fatal_.reasons(), SizeIs(1));
}

TEST_F(DiskFailureTest, AGroupWhoseSyncFailedIsNotThere) {
  Open();
  disk_.Fail(FileKind::kLog, DiskOperation::kSync);

  const Status created = engine_->log().CreateGroup(kFirstDataGroup, "");

  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code(), ErrorCode::kIo);
  EXPECT_THAT(engine_->log().Groups(), IsEmpty());
  EXPECT_TRUE(Stopped());
}

TEST_F(DiskFailureTest, AClearWhoseSyncFailedIsNotSeen) {
  OpenWithGroup();
  engine_->state().Write(kFirstDataGroup, Puts({{"old", "1"}}));
  disk_.Fail(FileKind::kLog, DiskOperation::kSync);
  StateBatch clear;
  clear.clear_all_but_prefix = "~";

  engine_->state().Write(kFirstDataGroup, std::move(clear));

  EXPECT_TRUE(Stopped());
  EXPECT_EQ(Get("old"), "1");
}

TEST_F(DiskFailureTest, APeerWhoseSyncFailedIsNotTrusted) {
  Open();
  disk_.Fail(FileKind::kLog, DiskOperation::kSync);

  const Result<std::string> remembered = engine_->RememberPeer(NodeId(2), "store");

  EXPECT_FALSE(remembered);
  EXPECT_TRUE(Stopped());
}

TEST_F(DiskFailureTest, ADamagedTableFileIsNeverServedAndStopsTheNode) {
  OpenWithGroup();
  const std::string value = "a value that does not compress";
  engine_->state().Write(kFirstDataGroup, Puts({{"key", value}}));
  Reopen();  // the value lies in a table file from here on
  engine_.reset();
  int damaged = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(rocksdb_dir())) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    const std::size_t at = content.find(value);
    if (at == std::string::npos) continue;
    file.seekp(static_cast<std::streamoff>(at));
    file.put('A');
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  Open();

  const Result<Lookup> lookup = engine_->state().Get(kFirstDataGroup, "key", ReadTier::kAnywhere);

  ASSERT_FALSE(lookup);
  EXPECT_EQ(lookup.error().code(), ErrorCode::kCorruption);
  EXPECT_TRUE(Stopped());
}

}  // namespace
}  // namespace seshat
