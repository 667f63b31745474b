// Groups that go on in another cluster, and the snapshots that they come from. Crashes are
// snapshot_crash_test.cc.
#include "seshat/storage/snapshot_source.h"
#include "snapshot_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NewBeginningTest : public SnapshotFixture {
 protected:
  static NewBeginning Beginning(std::uint64_t first) {
    return {.group = kFirstDataGroup,
            .rows = {{.key = "own", .value = "new"}, {.key = "gone", .value = std::nullopt}},
            .first_index = LogIndex(first),
            .snapshot_row = "new members",
            .state_row = "new term"};
  }
  LogContents Contents() {
    const Result<LogContents> contents = engine_->log().Load(kFirstDataGroup);
    EXPECT_TRUE(contents) << contents.error().message();
    return contents.value_or(LogContents());
  }
};

TEST_F(NewBeginningTest, RowsArePutIntoWhatIsAppliedAndTheLogIsEmpty) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a", "b"})));
  engine_->state().Write(kFirstDataGroup, Puts({{"key", "1"}, {"own", "old"}, {"gone", "1"}}));

  ASSERT_TRUE(engine_->BeginAnew({Beginning(4)}));

  for (const bool is_reopened : {false, true}) {
    if (is_reopened) Reopen();
    EXPECT_EQ(RowsOf(*engine_), (StateRows{{"key", "1"}, {"own", "new"}}));
    EXPECT_EQ(Contents().first_index, LogIndex(4));
    EXPECT_EQ(Contents().last_index, LogIndex(3));
    EXPECT_EQ(Contents().snapshot_row, "new members");
    EXPECT_EQ(Contents().state_row, "new term");
    EXPECT_THAT(ReadLog(), IsEmpty());
  }
}

TEST_F(NewBeginningTest, TheLogGoesOnAtItsNewBeginningAndOldRecordsGoWithACompaction) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a", "b"})));
  ASSERT_TRUE(engine_->BeginAnew({Beginning(4)}));

  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 4, {"d", "e"})));
  ASSERT_TRUE(WriteAndWait(Compaction(5, "cut")));
  engine_->log().RemoveCompacted(kFirstDataGroup);
  Reopen();

  EXPECT_THAT(ReadLog(), ElementsAre("e"));
}

TEST_F(NewBeginningTest, AnotherStateTakesThePlaceOfWhatIsAppliedBeforeTheRows) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"a", "b"})));
  engine_->state().Write(kFirstDataGroup, Puts({{"key", "1"}, {"own", "old"}}));
  Result<std::shared_ptr<IncomingState>> state =
      Receive(*engine_, {{"gone", "2"}, {"other", "2"}, {"own", "restored"}});
  ASSERT_TRUE(state);
  NewBeginning beginning = Beginning(100);
  beginning.state = *std::move(state);

  ASSERT_TRUE(engine_->BeginAnew({std::move(beginning)}));  // the state goes before the engine
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 100, {"x"})));

  for (const bool is_reopened : {false, true}) {
    if (is_reopened) Reopen();
    EXPECT_EQ(RowsOf(*engine_), (StateRows{{"other", "2"}, {"own", "new"}}));
    EXPECT_THAT(ReadLog(), ElementsAre("x"));
    EXPECT_THAT(engine_->open_report().dropped_families, IsEmpty());
  }
}

TEST_F(NewBeginningTest, PeersOfTheFormerClusterAreForgotten) {
  OpenWithGroup();
  ASSERT_TRUE(engine_->RememberPeer(NodeId(2), "former"));
  ASSERT_TRUE(engine_->RememberPeer(NodeId(300), "former"));

  ASSERT_TRUE(engine_->BeginAnew({Beginning(4)}));
  Reopen();

  EXPECT_EQ(engine_->RememberPeer(NodeId(2), "new"), "new");
  EXPECT_EQ(engine_->RememberPeer(NodeId(300), "new"), "new");
  EXPECT_THAT(engine_->log().Groups(), ElementsAre(kFirstDataGroup));
}

class SnapshotSourceTest : public SnapshotFixture {
 protected:
  // A kept snapshot's folder, of a node that is stopped.
  fs::path Prepare() {
    OpenWithGroup();
    Put("key", "value");
    const std::string name = TakeAndKeep(7)->name();
    engine_.reset();
    return snapshots_dir() / name;
  }
};

TEST_F(SnapshotSourceTest, ACopyUnderAnyNameIsReadLikeTheSnapshot) {
  const fs::path copy = options_.data_dir / "elsewhere" / "backup";
  fs::create_directories(copy.parent_path());
  fs::copy(Prepare(), copy);

  const Result<std::unique_ptr<SnapshotSource>> source = SnapshotSource::Open(copy / "");

  ASSERT_TRUE(source) << source.error().message();
  DirectoryFindings findings;
  (*source)->CheckTables(findings);
  EXPECT_THAT(findings.damage, IsEmpty());
  EXPECT_EQ((*source)->snapshot().name(), "backup");
  EXPECT_EQ(RowsOf((*source)->snapshot()), (StateRows{{"key", "value"}}));
  EXPECT_THAT((*source)->snapshot().groups(),
              ElementsAre(GroupSnapshot{kFirstDataGroup, Metadata(7)}));
}

TEST_F(SnapshotSourceTest, ItLeavesTheFolderAsItWas) {
  const fs::path folder = Prepare();
  const std::vector<std::string> before = NamesIn(folder);

  {
    const Result<std::unique_ptr<SnapshotSource>> source = SnapshotSource::Open(folder);
    ASSERT_TRUE(source);
    EXPECT_FALSE(RowsOf((*source)->snapshot()).empty());
  }

  EXPECT_EQ(NamesIn(folder), before);
}

TEST_F(SnapshotSourceTest, DamageIsNamed) {
  const fs::path folder = Prepare();
  const Result<std::unique_ptr<SnapshotSource>> source = SnapshotSource::Open(folder);
  ASSERT_TRUE(source);
  std::string damaged;
  for (const std::string& name : NamesIn(folder)) {
    if (!name.ends_with(".sst")) continue;
    damaged = name;
    fs::resize_file(folder / name, fs::file_size(folder / name) - 1);
  }

  DirectoryFindings findings;
  (*source)->CheckTables(findings);
  fs::remove(folder / "METADATA");

  EXPECT_THAT(findings.damage, testing::Contains(HasSubstr(damaged)));
  EXPECT_EQ(SnapshotSource::Open(folder).error().code(), ErrorCode::kCorruption);
}

TEST_F(SnapshotSourceTest, WhatIsNoFinishedSnapshotIsRefused) {
  const fs::path folder = Prepare();
  const fs::path partial = options_.data_dir / "1.partial";
  fs::copy(folder, partial);

  EXPECT_EQ(SnapshotSource::Open(partial).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(SnapshotSource::Open(folder / "none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(SnapshotSource::Open(folder / "METADATA").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace seshat
