// Logs that begin later than at 1.
#include <rocksdb/db.h>

#include "snapshot_fixture.h"

namespace seshat {
namespace {

using testing::ElementsAre;

class LogCompactionTest : public SnapshotFixture {
 protected:
  // `count` records from 1 on, each with its index.
  void WriteRecords(std::uint64_t count) {
    std::vector<std::string> values;
    for (std::uint64_t i = 1; i <= count; ++i) values.push_back(std::to_string(i));
    ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, values)));
  }
  ErrorCode ReadError(std::uint64_t index) {
    const auto read = engine_->log().Read(kFirstDataGroup, LogIndex(index), LogIndex(index + 1), 1);
    EXPECT_FALSE(read);
    return read ? ErrorCode::kCancelled : read.error().code();
  }
  // How many records there are, whether part of the log or not. Closes the engine.
  std::size_t RecordsOnDisk() {
    engine_.reset();
    std::vector<std::string> names;
    EXPECT_TRUE(
        rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), rocksdb_dir().string(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& name : names) {
      families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    EXPECT_TRUE(rocksdb::DB::OpenForReadOnly(rocksdb::DBOptions(), rocksdb_dir().string(), families,
                                             &handles, &opened)
                    .ok());
    const std::unique_ptr<rocksdb::DB> rocks(opened);
    std::size_t records = 0;
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle->GetName() == "data_raft_log") {
        const std::unique_ptr<rocksdb::Iterator> it(
            rocks->NewIterator(rocksdb::ReadOptions(), handle));
        for (it->SeekToFirst(); it->Valid(); it->Next()) ++records;
      }
      EXPECT_TRUE(rocks->DestroyColumnFamilyHandle(handle).ok());
    }
    return records;
  }
};

TEST_F(LogCompactionTest, RecordsBelowItsStartAreNoPartOfTheLog) {
  OpenWithGroup();
  WriteRecords(5);

  ASSERT_TRUE(WriteAndWait(Compaction(4, "up to 3")));

  EXPECT_THAT(ReadLog(), ElementsAre("4", "5"));
  EXPECT_EQ(ReadError(3), ErrorCode::kNotFound);
  EXPECT_EQ(ReadError(1), ErrorCode::kNotFound);
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->snapshot_row, "up to 3");
}

TEST_F(LogCompactionTest, ItStaysSoAfterARestartWithTheRecordsStillThere) {
  OpenWithGroup();
  WriteRecords(5);
  ASSERT_TRUE(WriteAndWait(Compaction(4, "up to 3")));

  Reopen();

  EXPECT_THAT(ReadLog(), ElementsAre("4", "5"));
  EXPECT_EQ(ReadError(3), ErrorCode::kNotFound);
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->first_index, LogIndex(4));
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->snapshot_row, "up to 3");
}

TEST_F(LogCompactionTest, AWholeLogCanGoAndTheNextRecordFollows) {
  OpenWithGroup();
  WriteRecords(3);
  ASSERT_TRUE(WriteAndWait(Compaction(4, "up to 3")));

  Reopen();
  const LogContents empty = *engine_->log().Load(kFirstDataGroup);
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 4, {"4"})));

  EXPECT_EQ(empty.first_index, LogIndex(4));
  EXPECT_EQ(empty.last_index, LogIndex(3));
  EXPECT_THAT(ReadLog(), ElementsAre("4"));
}

TEST_F(LogCompactionTest, RemovedRecordsAreGoneFromTheDatabase) {
  OpenWithGroup();
  WriteRecords(2500);  // several batches
  ASSERT_TRUE(WriteAndWait(Compaction(2400, "")));

  engine_->log().RemoveCompacted(kFirstDataGroup);
  ASSERT_TRUE(WriteAndWait(Compaction(2450, "")));
  engine_->log().RemoveCompacted(kFirstDataGroup);
  engine_->log().RemoveCompacted(kFirstDataGroup);

  EXPECT_EQ(ReadLog().size(), 51u);
  EXPECT_EQ(ReadLog().front(), "2450");
  EXPECT_EQ(RecordsOnDisk(), 51u);
}

TEST_F(LogCompactionTest, WhatAnEarlierProcessLeftIsRemovedToo) {
  OpenWithGroup();
  WriteRecords(1200);
  ASSERT_TRUE(WriteAndWait(Compaction(1190, "")));
  Reopen();

  engine_->log().RemoveCompacted(kFirstDataGroup);

  EXPECT_EQ(ReadLog().size(), 11u);
  EXPECT_EQ(RecordsOnDisk(), 11u);
}

TEST_F(LogCompactionTest, ATailIsTruncatedAfterACompaction) {
  OpenWithGroup();
  WriteRecords(6);
  ASSERT_TRUE(WriteAndWait(Compaction(3, "")));
  LogWrite write = Records(kFirstDataGroup, 4, {"four"});
  write.truncate_from = LogIndex(4);
  ASSERT_TRUE(WriteAndWait(std::move(write)));

  const std::vector<std::string> before = ReadLog();
  Reopen();

  EXPECT_THAT(before, ElementsAre("3", "four"));
  EXPECT_THAT(ReadLog(), ElementsAre("3", "four"));
}

TEST_F(LogCompactionTest, AWriteThatMovesTheStartTakesItsOtherPartsWithIt) {
  OpenWithGroup();
  WriteRecords(6);
  LogWrite write = Compaction(3, "up to 2");
  write.truncate_from = LogIndex(5);
  write.records = {{.index = LogIndex(5), .value = "five"}};
  write.state_row = "state";

  ASSERT_TRUE(WriteAndWait(std::move(write)));

  EXPECT_THAT(ReadLog(), ElementsAre("3", "4", "five"));
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->state_row, "state");
}

using LogCompactionDeathTest = LogCompactionTest;

TEST_F(LogCompactionDeathTest, AStartThatGoesBackOrBeyondTheEndIsOurBug) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        OpenWithGroup();
        WriteRecords(3);
        engine_->log().Write(Compaction(3, ""), {});
        engine_->log().Write(Compaction(2, ""), {});
      },
      "goes back");
  EXPECT_DEATH(
      {
        OpenWithGroup();
        WriteRecords(3);
        engine_->log().Write(Compaction(5, ""), {});
      },
      "beyond its end");
}

}  // namespace
}  // namespace seshat
