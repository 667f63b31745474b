// The engine as its users see it: restart, families, peers, locks. Damage to the log is
// wal_check_test.cc, a failing disk is disk_failure_test.cc.
#include "seshat/storage/storage_engine.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>

#include "storage_fixture.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using StorageEngineTest = StorageFixture;

// Opens the database behind the engine's back.
class RawDatabase {
 public:
  explicit RawDatabase(
      const std::filesystem::path& dir,
      const rocksdb::ColumnFamilyOptions& family_options = rocksdb::ColumnFamilyOptions()) {
    rocksdb::DBOptions options;
    std::vector<std::string> names;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies(options, dir.string(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) families.emplace_back(name, family_options);
    rocksdb::DB* db = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(options, dir.string(), families, &handles_, &db).ok());
    db_.reset(db);
  }
  ~RawDatabase() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
  }
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(std::string_view name) {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      if (handle->GetName() == name) return handle;
    }
    ADD_FAILURE() << "no family " << name;
    return nullptr;
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

std::vector<std::string> FamilyNames(const std::filesystem::path& dir) {
  std::vector<std::string> names;
  EXPECT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), dir.string(), &names).ok());
  return names;
}

TEST_F(StorageEngineTest, ANewDirectoryHasNoGroups) {
  Open();

  EXPECT_THAT(engine_->log().Groups(), IsEmpty());
}

TEST_F(StorageEngineTest, ANewGroupHasAnEmptyLogAndItsSnapshotRow) {
  OpenWithGroup();

  const Result<LogContents> contents = engine_->log().Load(kFirstDataGroup);

  ASSERT_TRUE(contents);
  EXPECT_EQ(contents->snapshot_row, "snapshot");
  EXPECT_EQ(contents->state_row, std::nullopt);
  EXPECT_EQ(contents->first_index, LogIndex(1));
  EXPECT_EQ(contents->last_index, LogIndex(0));
}

TEST_F(StorageEngineTest, AGroupIsCreatedOnce) {
  OpenWithGroup();

  const Status again = engine_->log().CreateGroup(kFirstDataGroup, "other");

  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(StorageEngineTest, FamiliesHaveTheNamesOfTheFormat) {
  Open();
  for (const GroupId group : {kSystemGroup, kFirstDataGroup, GroupId(7)}) {
    ASSERT_TRUE(engine_->log().CreateGroup(group, ""));
  }

  const std::vector<GroupId> groups = engine_->log().Groups();

  EXPECT_THAT(groups, ElementsAre(kSystemGroup, kFirstDataGroup, GroupId(7)));
  EXPECT_THAT(
      FamilyNames(rocksdb_dir()),
      testing::UnorderedElementsAre("default", "system_raft_log", "system_raft_state",
                                    "system_data", "data_raft_log", "data_raft_state", "data_kv",
                                    "shard_7_raft_log", "shard_7_raft_state", "shard_7_kv"));
}

TEST_F(StorageEngineTest, WhatWasDurableIsThereAfterARestart) {
  OpenWithGroup();
  LogWrite write = Records(kFirstDataGroup, 1, {"a", "b", "c"});
  write.state_row = "term 3";
  ASSERT_TRUE(WriteAndWait(std::move(write)));

  Reopen();

  EXPECT_THAT(ReadLog(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->state_row, "term 3");
}

TEST_F(StorageEngineTest, ATruncatedTailIsReplacedAtomicallyAndStaysGone) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a", "b", "c", "d"})));
  LogWrite write = Records(kFirstDataGroup, 2, {"B"});
  write.truncate_from = LogIndex(2);

  ASSERT_TRUE(WriteAndWait(std::move(write)));
  const std::vector<std::string> before = ReadLog();
  Reopen();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 3, {"C"})));

  EXPECT_THAT(before, ElementsAre("a", "B"));
  EXPECT_THAT(ReadLog(), ElementsAre("a", "B", "C"));
}

TEST_F(StorageEngineTest, WritesQueuedTogetherTakeEffectInOrder) {
  OpenWithGroup();
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    LogWrite write = Records(kFirstDataGroup, static_cast<std::uint64_t>(i) + 1, {"x"});
    write.state_row = std::to_string(i);
    engine_->log().Write(std::move(write), [&order, i] { order.push_back(i); });
  }

  engine_->Stop();

  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->state_row, "99");
}

TEST_F(StorageEngineTest, AWriteAfterStopIsDroppedAndNeverCalledBack) {
  OpenWithGroup();
  engine_->Stop();
  bool called = false;

  engine_->log().Write(Records(kFirstDataGroup, 1, {"a"}), [&called] { called = true; });
  Reopen();

  EXPECT_FALSE(called);
  EXPECT_THAT(ReadLog(), IsEmpty());
}

TEST_F(StorageEngineTest, ReadsOfTheLogStopAtTheirBytesButGiveAtLeastOne) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"aaaa", "bbbb", "cccc", "dddd"})));
  LogStore& log = engine_->log();

  const auto one = log.Read(kFirstDataGroup, LogIndex(2), LogIndex(5), 1);
  const auto two = log.Read(kFirstDataGroup, LogIndex(2), LogIndex(5), 8);
  const auto until_end = log.Read(kFirstDataGroup, LogIndex(2), LogIndex(4), 1000);

  EXPECT_THAT(*one, ElementsAre(LogRecord{LogIndex(2), "bbbb"}));
  EXPECT_EQ(two->size(), 2u);
  EXPECT_EQ(until_end->size(), 2u);
}

TEST_F(StorageEngineTest, ARecordOutsideTheLogIsNotFound) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a"})));

  const auto beyond = engine_->log().Read(kFirstDataGroup, LogIndex(2), LogIndex(9), 100);
  const auto unknown = engine_->log().Read(GroupId(99), LogIndex(1), LogIndex(2), 100);

  EXPECT_EQ(beyond.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(unknown.error().code(), ErrorCode::kNotFound);
}

TEST_F(StorageEngineTest, AHoleInTheLogIsCorruptionThatNamesTheRecord) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a", "b", "c"})));
  engine_.reset();
  {
    RawDatabase raw(rocksdb_dir());
    ASSERT_TRUE(raw.db()
                    .Delete(rocksdb::WriteOptions(), raw.family("data_raft_log"),
                            "log:00000000000000000002")
                    .ok());
  }
  Open();

  const Result<LogContents> contents = engine_->log().Load(kFirstDataGroup);

  ASSERT_FALSE(contents);
  EXPECT_EQ(contents.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(contents.error().message(), HasSubstr("record 2 is missing"));
}

TEST_F(StorageEngineTest, AMissingLogStartRefusesToOpen) {
  OpenWithGroup();
  engine_.reset();
  {
    RawDatabase raw(rocksdb_dir());
    ASSERT_TRUE(
        raw.db().Delete(rocksdb::WriteOptions(), raw.family("data_raft_state"), "log_start").ok());
  }

  const auto opened = TryOpen();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(opened.error().message(), HasSubstr("log_start"));
}

TEST_F(StorageEngineTest, AnEntryWritesAppliedStateAtomicallyAndReadsItBack) {
  OpenWithGroup();

  engine_->state().Write(kFirstDataGroup, Puts({{"a", "1"}, {"b", "2"}}));
  StateBatch second = Puts({{"a", "3"}});
  second.ops.push_back({.key = "b", .value = std::nullopt});
  engine_->state().Write(kFirstDataGroup, std::move(second));

  EXPECT_EQ(Get("a"), "3");
  EXPECT_EQ(Get("b"), std::nullopt);
}

TEST_F(StorageEngineTest, AViewDoesNotSeeLaterWrites) {
  OpenWithGroup();
  engine_->state().Write(kFirstDataGroup, Puts({{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  const std::unique_ptr<StateView> view = *engine_->state().View(kFirstDataGroup);
  engine_->state().Write(kFirstDataGroup, Puts({{"a", "2"}, {"bb", "2"}}));

  std::vector<std::string> seen;
  const Status scanned = view->Scan("a", "c", [&](std::string_view key, std::string_view value) {
    seen.push_back(std::string(key) + "=" + std::string(value));
    return true;
  });

  ASSERT_TRUE(scanned);
  EXPECT_THAT(seen, ElementsAre("a=1", "b=1"));
  EXPECT_EQ(view->Get("a", ReadTier::kAnywhere)->value, "1");
}

TEST_F(StorageEngineTest, AScanEndsWhenItsVisitorSaysSo) {
  OpenWithGroup();
  engine_->state().Write(kFirstDataGroup, Puts({{"a", "1"}, {"b", "1"}, {"c", "1"}}));
  int visits = 0;

  const Status scanned =
      (*engine_->state().View(kFirstDataGroup))
          ->Scan("a", "z", [&](std::string_view, std::string_view) { return ++visits < 2; });

  ASSERT_TRUE(scanned);
  EXPECT_EQ(visits, 2);
}

// RocksDB 7.8.3 ends an iteration at such a block and says that all is well.
TEST_F(StorageEngineTest, AScanDoesNotEndSilentlyAtAFileWithADamagedFirstBlock) {
  OpenWithGroup();
  engine_.reset();
  std::string second_file;
  {
    rocksdb::ColumnFamilyOptions small_files;
    small_files.target_file_size_base = 4096;
    small_files.level_compaction_dynamic_level_bytes = true;
    small_files.compression = rocksdb::kNoCompression;
    RawDatabase raw(rocksdb_dir(), small_files);
    rocksdb::ColumnFamilyHandle* const kv = raw.family("data_kv");
    for (int i = 100; i < 200; ++i) {
      const std::string value(500, static_cast<char>(i));
      ASSERT_TRUE(raw.db().Put(rocksdb::WriteOptions(), kv, std::to_string(i), value).ok());
    }
    ASSERT_TRUE(raw.db().CompactRange(rocksdb::CompactRangeOptions(), kv, nullptr, nullptr).ok());
    rocksdb::CompactRangeOptions again;
    again.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    ASSERT_TRUE(raw.db().CompactRange(again, kv, nullptr, nullptr).ok());
    std::vector<rocksdb::LiveFileMetaData> files;
    raw.db().GetLiveFilesMetaData(&files);
    std::erase_if(files, [](const auto& f) { return f.column_family_name != "data_kv"; });
    std::ranges::sort(files, {}, [](const auto& f) { return f.smallestkey; });
    ASSERT_GE(files.size(), 3u);
    second_file = files[1].name;
  }
  {
    std::fstream file(rocksdb_dir().string() + second_file,
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.write("damage", 6);
  }
  Open();

  const Status scanned =
      (*engine_->state().View(kFirstDataGroup))
          ->Scan("1", "2", [](std::string_view, std::string_view) { return true; });

  ASSERT_FALSE(scanned);
  EXPECT_EQ(scanned.error().code(), ErrorCode::kCorruption);
}

TEST_F(StorageEngineTest, AMemoryReadOfAColdKeyWouldBlockAndLeavesTheDiskAlone) {
  OpenWithGroup();
  engine_->state().Write(kFirstDataGroup, Puts({{"key", "value"}}));
  Reopen();  // what was recovered lies in a table file now, and no block of it in the cache

  const Result<Lookup> cold = engine_->state().Get(kFirstDataGroup, "key", ReadTier::kMemory);
  const std::optional<std::string> from_disk = Get("key");
  const Result<Lookup> warm = engine_->state().Get(kFirstDataGroup, "key", ReadTier::kMemory);

  EXPECT_EQ(cold->outcome, Lookup::Outcome::kWouldBlock);
  EXPECT_EQ(from_disk, "value");
  EXPECT_EQ(warm->outcome, Lookup::Outcome::kFound);
  EXPECT_EQ(warm->value, "value");
}

TEST_F(StorageEngineTest, ClearingKeepsThePrefixAndWhatTheBatchAdds) {
  OpenWithGroup();
  engine_->state().Write(kFirstDataGroup, Puts({{"k1", "1"}, {"k2", "2"}, {"~own", "kept"}}));
  StateBatch clear = Puts({{"k3", "3"}});
  clear.clear_all_but_prefix = "~";

  engine_->state().Write(kFirstDataGroup, std::move(clear));

  EXPECT_EQ(Get("k1"), std::nullopt);
  EXPECT_EQ(Get("k3"), "3");
  EXPECT_EQ(Get("~own"), "kept");
}

TEST_F(StorageEngineTest, AClearSurvivesARestartAndLeavesOneGeneration) {
  OpenWithGroup();
  for (int i = 0; i < 3; ++i) {
    engine_->state().Write(kFirstDataGroup, Puts({{"old", "1"}, {"~own", "kept"}}));
    StateBatch clear = Puts({{"new", "2"}});
    clear.clear_all_but_prefix = "~";
    engine_->state().Write(kFirstDataGroup, std::move(clear));
  }

  Reopen();

  EXPECT_EQ(Get("old"), std::nullopt);
  EXPECT_EQ(Get("new"), "2");
  EXPECT_EQ(Get("~own"), "kept");
  EXPECT_THAT(
      FamilyNames(rocksdb_dir()),
      testing::UnorderedElementsAre("default", "data_raft_log", "data_raft_state", "data_kv.3"));
}

TEST_F(StorageEngineTest, AViewFromBeforeAClearStillReadsTheOldGeneration) {
  OpenWithGroup();
  engine_->state().Write(kFirstDataGroup, Puts({{"old", "1"}}));
  const std::unique_ptr<StateView> view = *engine_->state().View(kFirstDataGroup);
  StateBatch clear;
  clear.clear_all_but_prefix = "~";

  engine_->state().Write(kFirstDataGroup, std::move(clear));

  EXPECT_EQ(Get("old"), std::nullopt);
  EXPECT_EQ(view->Get("old", ReadTier::kAnywhere)->value, "1");
}

TEST_F(StorageEngineTest, FamiliesThatTheMapDoesNotNameAreDroppedAtOpen) {
  OpenWithGroup();
  engine_.reset();
  {
    // What a crash leaves behind between making a generation and naming it.
    RawDatabase raw(rocksdb_dir());
    rocksdb::ColumnFamilyHandle* made = nullptr;
    ASSERT_TRUE(
        raw.db().CreateColumnFamily(rocksdb::ColumnFamilyOptions(), "data_kv.1", &made).ok());
    ASSERT_TRUE(raw.db().Put(rocksdb::WriteOptions(), made, "k", "v").ok());
    ASSERT_TRUE(raw.db().DestroyColumnFamilyHandle(made).ok());
  }

  Open();

  EXPECT_THAT(engine_->open_report().dropped_families, ElementsAre("data_kv.1"));
  EXPECT_THAT(FamilyNames(rocksdb_dir()), testing::Not(testing::Contains("data_kv.1")));
  EXPECT_EQ(Get("k"), std::nullopt);
}

TEST_F(StorageEngineTest, ADamagedMapRowRefusesToOpen) {
  OpenWithGroup();
  engine_.reset();
  {
    RawDatabase raw(rocksdb_dir());
    ASSERT_TRUE(raw.db().Put(rocksdb::WriteOptions(), "family:data_kv", "\xff\xff").ok());
  }

  const auto opened = TryOpen();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(opened.error().message(), HasSubstr("family:data_kv"));
}

TEST_F(StorageEngineTest, AMapRowOfANewerVersionRefusesToOpenAndSaysSo) {
  OpenWithGroup();
  engine_.reset();
  {
    RawDatabase raw(rocksdb_dir());
    ASSERT_TRUE(raw.db().Put(rocksdb::WriteOptions(), "family:data_kv", "\x08\x02").ok());
  }

  const auto opened = TryOpen();

  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("version 2, newer than 1"));
}

TEST_F(StorageEngineTest, ASecondOpenOfTheDirectoryIsRefusedByName) {
  Open();

  const auto second = TryOpen();

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(second.error().message(), HasSubstr(options_.data_dir.string()));
}

TEST_F(StorageEngineTest, AFolderThatLostItsCurrentFileIsNotTakenForANewOne) {
  OpenWithGroup();
  engine_.reset();
  std::filesystem::remove(rocksdb_dir() / "CURRENT");

  const auto opened = TryOpen();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(opened.error().message(), HasSubstr("CURRENT"));
}

TEST_F(StorageEngineTest, APeersFirstStoreIdIsRememberedAcrossRestarts) {
  Open();

  const Result<std::string> first = engine_->RememberPeer(NodeId(2), "store-one");
  Reopen();
  const Result<std::string> second = engine_->RememberPeer(NodeId(2), "store-two");
  const Result<std::string> other = engine_->RememberPeer(NodeId(3), "store-two");

  EXPECT_EQ(*first, "store-one");
  EXPECT_EQ(*second, "store-one");
  EXPECT_EQ(*other, "store-two");
}

TEST_F(StorageEngineTest, APeerReplacedOnPurposeHasItsNewStoreId) {
  Open();
  ASSERT_TRUE(engine_->RememberPeer(NodeId(2), "store-one"));

  ASSERT_TRUE(engine_->ReplacePeer(NodeId(2), "store-two"));

  EXPECT_EQ(*engine_->RememberPeer(NodeId(2), "store-three"), "store-two");
}

TEST_F(StorageEngineTest, TheSizeOfTheDatabaseIsAMetric) {
  OpenWithGroup();

  engine_->RefreshMetrics();

  EXPECT_GT(metrics_.gauges["storage_db_size_bytes"].value, 0);
}

TEST_F(StorageEngineTest, TheFreeSpaceOfTheDiskIsAMetric) {
  Open();

  const Result<DiskSpace> space = engine_->MeasureDisk();

  ASSERT_TRUE(space);
  EXPECT_GT(space->free_bytes, 0u);
  EXPECT_GT(space->total_bytes, space->free_bytes);
  EXPECT_EQ(metrics_.gauges["storage_disk_free_bytes"].value,
            static_cast<double>(space->free_bytes));
}

}  // namespace
}  // namespace seshat
