// State that comes in from another node and replaces a group's. Crashes are
// snapshot_crash_test.cc.
#include "faulty_disk.h"
#include "snapshot_fixture.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class StateInstallationTest : public SnapshotFixture {
 protected:
  // A group with a log of three records, some rows, and a state row.
  void OpenWithOldState() {
    OpenWithGroup();
    LogWrite write = Records(kFirstDataGroup, 1, {"a", "b", "c"});
    write.state_row = "term 1";
    ASSERT_TRUE(WriteAndWait(std::move(write)));
    engine_->state().Write(kFirstDataGroup, Puts({{"old", "1"}, {"~own", "old"}}));
  }
  std::shared_ptr<IncomingState> ReceiveNew() {
    Result<std::shared_ptr<IncomingState>> received = Receive(*engine_, new_rows_);
    EXPECT_TRUE(received) << received.error().message();
    return received ? *std::move(received) : nullptr;
  }
  void ExpectNewState() {
    EXPECT_EQ(RowsOf(*engine_), new_rows_);
    const Result<LogContents> contents = engine_->log().Load(kFirstDataGroup);
    ASSERT_TRUE(contents) << contents.error().message();
    EXPECT_EQ(contents->first_index, LogIndex(100));
    EXPECT_EQ(contents->snapshot_row, "up to 99");
  }
  const StateRows new_rows_{{"key1", "1"}, {"key2", std::string(5000, 'x')}, {"~own", "new"}};
};

TEST_F(StateInstallationTest, NothingIsSeenBeforeItIsInstalled) {
  OpenWithOldState();

  const std::shared_ptr<IncomingState> state = ReceiveNew();

  EXPECT_EQ(state->size_bytes(), 5000u + 1 + 3 + 4 + 4 + 4);
  EXPECT_EQ(RowsOf(*engine_), (StateRows{{"old", "1"}, {"~own", "old"}}));
  EXPECT_THAT(ReadLog(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(NamesIn(incoming_dir()), IsEmpty());
}

TEST_F(StateInstallationTest, ItReplacesRowsAndLog) {
  OpenWithOldState();

  ASSERT_TRUE(WriteAndWait(Installation(ReceiveNew(), 100, "up to 99")));

  ExpectNewState();
  EXPECT_THAT(ReadLog(), IsEmpty());
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->state_row, "term 1");
  EXPECT_EQ(engine_->log().Read(kFirstDataGroup, LogIndex(3), LogIndex(4), 1).error().code(),
            ErrorCode::kNotFound);
}

TEST_F(StateInstallationTest, ItSurvivesARestartAndTheLogGoesOn) {
  OpenWithOldState();
  LogWrite write = Installation(ReceiveNew(), 100, "up to 99");
  write.state_row = "term 2";
  write.records = {{.index = LogIndex(100), .value = "x"}};
  ASSERT_TRUE(WriteAndWait(std::move(write)));
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 101, {"y"})));
  engine_->state().Write(kFirstDataGroup, Puts({{"later", "1"}}));
  EXPECT_THAT(ReadLog(), ElementsAre("x", "y"));

  Reopen();

  EXPECT_THAT(ReadLog(), ElementsAre("x", "y"));
  EXPECT_EQ(engine_->log().Load(kFirstDataGroup)->state_row, "term 2");
  EXPECT_EQ(Get("later"), "1");
  EXPECT_EQ(Get("key1"), "1");
  EXPECT_EQ(Get("old"), std::nullopt);
  EXPECT_THAT(engine_->open_report().dropped_families, IsEmpty());
}

TEST_F(StateInstallationTest, WritesQueuedAroundItKeepTheirOrder) {
  OpenWithOldState();
  std::atomic<int> durable = 0;
  const auto count = [&durable] { ++durable; };
  const std::shared_ptr<IncomingState> state = ReceiveNew();

  engine_->log().Write(Records(kFirstDataGroup, 4, {"d"}), count);
  engine_->log().Write(Installation(state, 100, "up to 99"), count);
  engine_->log().Write(Records(kFirstDataGroup, 100, {"x"}), count);

  ASSERT_TRUE(Eventually([&] { return durable == 3; }));
  ExpectNewState();
  EXPECT_THAT(ReadLog(), ElementsAre("x"));
}

TEST_F(StateInstallationTest, AViewFromBeforeItReadsOnUndisturbed) {
  OpenWithOldState();
  const std::unique_ptr<StateView> view = *engine_->state().View(kFirstDataGroup);

  ASSERT_TRUE(WriteAndWait(Installation(ReceiveNew(), 100, "up to 99")));

  EXPECT_EQ(RowsOf(*view), (StateRows{{"old", "1"}, {"~own", "old"}}));
}

TEST_F(StateInstallationTest, AnEmptyStateCanBeInstalled) {
  OpenWithOldState();
  const Result<std::shared_ptr<IncomingState>> empty = Receive(*engine_, {});
  ASSERT_TRUE(empty) << empty.error().message();

  ASSERT_TRUE(WriteAndWait(Installation(*empty, 100, "up to 99")));

  EXPECT_THAT(RowsOf(*engine_), IsEmpty());
}

TEST_F(StateInstallationTest, KeysOutOfOrderAreRefusedAndAddNothing) {
  OpenWithOldState();
  std::shared_ptr<IncomingState> state = *engine_->snapshots().BeginIncoming(kFirstDataGroup);
  ASSERT_TRUE(state->Add("b", "1"));

  const Status same = state->Add("b", "2");
  const Status before = state->Add("a", "2");
  ASSERT_TRUE(state->Add("c", "3"));
  ASSERT_TRUE(state->Finish());
  ASSERT_TRUE(WriteAndWait(Installation(std::move(state), 100, "")));

  EXPECT_EQ(same.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(before.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(RowsOf(*engine_), (StateRows{{"b", "1"}, {"c", "3"}}));
}

TEST_F(StateInstallationTest, AStateOfSeveralFilesArrivesWhole) {
  OpenWithOldState();
  std::shared_ptr<IncomingState> state = *engine_->snapshots().BeginIncoming(kFirstDataGroup);
  std::string noise(1 << 20, '\0');  // does not compress
  std::uint64_t seed = 1;
  for (char& byte : noise) byte = static_cast<char>((seed = seed * 6364136223846793005 + 1) >> 56);
  for (int i = 100; i < 240; ++i) ASSERT_TRUE(state->Add(std::to_string(i), noise));
  const std::size_t files = NamesIn(incoming_dir() / NamesIn(incoming_dir()).front()).size();
  ASSERT_TRUE(state->Finish());

  ASSERT_TRUE(WriteAndWait(Installation(std::move(state), 100, "")));

  EXPECT_EQ(files, 3u);
  EXPECT_THAT(RowsOf(*engine_), SizeIs(140));
  EXPECT_EQ(Get("239"), noise);
}

TEST_F(StateInstallationTest, AClearBetweenFinishAndInstallationLosesNothing) {
  OpenWithOldState();
  std::shared_ptr<IncomingState> first = ReceiveNew();
  Clear({{"cleared", "1"}});
  const StateRows cleared = RowsOf(*engine_);

  ASSERT_TRUE(WriteAndWait(Installation(std::move(first), 100, "up to 99")));
  const StateRows installed = RowsOf(*engine_);
  Clear({{"again", "1"}});
  Reopen();

  EXPECT_EQ(cleared, (StateRows{{"cleared", "1"}, {"~own", "old"}}));
  EXPECT_EQ(installed, new_rows_);
  EXPECT_EQ(RowsOf(*engine_), (StateRows{{"again", "1"}, {"~own", "new"}}));
}

TEST_F(StateInstallationTest, OfTwoThatComeInTheLastInstalledCounts) {
  OpenWithOldState();
  std::shared_ptr<IncomingState> first = ReceiveNew();
  Result<std::shared_ptr<IncomingState>> second = Receive(*engine_, {{"second", "2"}});
  ASSERT_TRUE(second);

  engine_->log().Write(Installation(*std::move(second), 50, "second"), {});
  ASSERT_TRUE(WriteAndWait(Installation(std::move(first), 100, "up to 99")));
  Reopen();

  ExpectNewState();
}

TEST_F(StateInstallationTest, OneThatIsDroppedLeavesNothing) {
  OpenWithOldState();
  std::unique_ptr<IncomingState> begun = *engine_->snapshots().BeginIncoming(kFirstDataGroup);
  ASSERT_TRUE(begun->Add("key", "value"));

  ReceiveNew().reset();
  begun.reset();
  const auto names = NamesIn(incoming_dir());
  Reopen();

  EXPECT_THAT(names, IsEmpty());
  EXPECT_THAT(engine_->open_report().dropped_families, IsEmpty());
}

TEST_F(StateInstallationTest, ASnapshotHoldsWhatWasInstalled) {
  OpenWithOldState();
  ASSERT_TRUE(WriteAndWait(Installation(ReceiveNew(), 100, "up to 99")));

  const auto kept = TakeAndKeep(99);
  Reopen();

  EXPECT_EQ(RowsOf(*engine_->snapshots().Kept().front()), new_rows_);
}

TEST_F(StateInstallationTest, RecordsOfTheOldLogAreNotRemovedFromTheNewOne) {
  OpenWithOldState();
  ASSERT_TRUE(WriteAndWait(Compaction(3, "")));
  engine_->log().RemoveCompacted(kFirstDataGroup);
  LogWrite write = Installation(ReceiveNew(), 100, "up to 99");
  write.records = {{.index = LogIndex(100), .value = "x"}};
  ASSERT_TRUE(WriteAndWait(std::move(write)));

  engine_->log().RemoveCompacted(kFirstDataGroup);
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 101, {"y"})));
  ASSERT_TRUE(WriteAndWait(Compaction(101, "up to 100")));
  engine_->log().RemoveCompacted(kFirstDataGroup);

  EXPECT_THAT(ReadLog(), ElementsAre("y"));
}

// The disk is full while a state comes in or a snapshot is taken.
class FullDiskTest : public StateInstallationTest {
 protected:
  FullDiskTest() {
    options_.env = disk_.env();
    options_.idle_mark_delay = std::chrono::hours(1);
  }
  ~FullDiskTest() override { engine_.reset(); }

  FaultyDisk disk_{options_.data_dir};
};

TEST_F(FullDiskTest, AStateThatDoesNotFitIsGivenUpAndTheNodeGoesOn) {
  for (const DiskOperation operation :
       {DiskOperation::kCreate, DiskOperation::kAppend, DiskOperation::kSync}) {
    SCOPED_TRACE(static_cast<int>(operation));
    engine_.reset();
    for (const char* const folder : {"rocksdb", "snapshots", "incoming"}) {
      std::filesystem::remove_all(options_.data_dir / folder);
    }
    OpenWithOldState();
    disk_.FailForLackOfSpace(FileKind::kTable, operation);

    const auto received = Receive(*engine_, new_rows_);

    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_THAT(fatal_.reasons(), IsEmpty());
    EXPECT_THAT(NamesIn(incoming_dir()), IsEmpty());
    ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 4, {"d"})));
    ASSERT_TRUE(WriteAndWait(Installation(ReceiveNew(), 100, "up to 99")));
    ExpectNewState();
  }
}

TEST_F(FullDiskTest, ASnapshotThatDoesNotFitIsRefusedAndTheNodeGoesOn) {
  OpenWithOldState();
  TakeAndKeep(1);  // flushes all that there is
  disk_.FailForLackOfSpace(FileKind::kFolder, DiskOperation::kCreate);

  const auto taken = engine_->snapshots().Take({kNow});
  disk_.FailForLackOfSpace(FileKind::kManifest, DiskOperation::kAppend);
  const auto again = engine_->snapshots().Take({kNow});

  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::kResourceExhausted);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(fatal_.reasons(), IsEmpty());
  EXPECT_THAT(NamesIn(snapshots_dir()), SizeIs(1));
  ASSERT_NE(TakeAndKeep(2), nullptr);
}

TEST_F(FullDiskTest, ASnapshotWhoseMetadataDoesNotFitIsNotKept) {
  OpenWithOldState();
  std::shared_ptr<Snapshot> taken = Take();
  disk_.FailForLackOfSpace(FileKind::kOther, DiskOperation::kAppend);

  const auto kept = engine_->snapshots().Keep(std::move(taken), LogIndex(1), {});

  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(engine_->snapshots().Kept(), IsEmpty());
  EXPECT_THAT(NamesIn(snapshots_dir()), IsEmpty());
  EXPECT_THAT(fatal_.reasons(), IsEmpty());
}

TEST_F(FullDiskTest, ADiskThatIsFullForAFlushStopsTheNode) {
  OpenWithOldState();
  disk_.FailForLackOfSpace(FileKind::kTable, DiskOperation::kAppend);

  const auto taken = engine_->snapshots().Take({kNow});

  EXPECT_FALSE(taken);
  EXPECT_THAT(fatal_.reasons(), SizeIs(1));
  EXPECT_THAT(fatal_.reasons().front().message(), HasSubstr("injected error"));
}

}  // namespace
}  // namespace seshat
