// Snapshots as their users see them. Crashes are snapshot_crash_test.cc.
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/table_properties.h>

#include <set>
#include <thread>

#include "snapshot_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using SnapshotTest = SnapshotFixture;

// Of the table files in the folder.
std::set<std::string> FamiliesIn(const fs::path& folder) {
  std::set<std::string> families;
  for (const std::string& name : NamesIn(folder)) {
    if (!name.ends_with(".sst")) continue;
    rocksdb::SstFileReader reader{rocksdb::Options()};
    EXPECT_TRUE(reader.Open(folder / name).ok()) << name;
    families.insert(reader.GetTableProperties()->column_family_name);
  }
  return families;
}

TEST_F(SnapshotTest, AKeptSnapshotIsListedWithItsNameAndMetadata) {
  OpenWithGroup();
  Put("key", "value");

  const std::shared_ptr<const Snapshot> kept = TakeAndKeep(4711);

  EXPECT_EQ(kept->name(), "snapshot-20261127-071608-4711");
  EXPECT_EQ(kept->created_at(), UnixMillis{kNow});
  EXPECT_GT(kept->size_bytes(), 0u);
  EXPECT_THAT(kept->groups(), ElementsAre(GroupSnapshot{kFirstDataGroup, Metadata(4711)}));
  EXPECT_THAT(engine_->snapshots().Kept(), ElementsAre(kept));
  EXPECT_EQ(RowsOf(*kept), (StateRows{{"key", "value"}}));
}

TEST_F(SnapshotTest, ATakenOneIsReadableButNotListedAndGoesWhenDropped) {
  OpenWithGroup();
  Put("key", "value");

  std::shared_ptr<Snapshot> taken = Take();
  const StateRows rows = RowsOf(*taken);
  const auto listed = engine_->snapshots().Kept();
  taken.reset();

  EXPECT_EQ(rows, (StateRows{{"key", "value"}}));
  EXPECT_THAT(listed, IsEmpty());
  EXPECT_THAT(NamesIn(snapshots_dir()), IsEmpty());
}

TEST_F(SnapshotTest, AViewDoesNotSeeLaterWrites) {
  OpenWithGroup();
  Put("key", "old");
  const std::shared_ptr<Snapshot> taken = Take();
  Put("key", "new");
  Clear({{"other", "1"}});

  EXPECT_EQ(RowsOf(*taken), (StateRows{{"key", "old"}}));
  EXPECT_EQ(RowsOf(*engine_), (StateRows{{"other", "1"}}));
}

TEST_F(SnapshotTest, ASnapshotAfterAClearShowsTheNewGeneration) {
  OpenWithGroup();
  Put("key", "old");
  Clear({{"key", "new"}});

  EXPECT_EQ(RowsOf(*Take()), (StateRows{{"key", "new"}}));
}

TEST_F(SnapshotTest, AViewOpenedBeforeItWasKeptReadsOnAfterIt) {
  OpenWithGroup();
  Put("key", "value");
  std::shared_ptr<Snapshot> taken = Take();
  const std::unique_ptr<StateView> view = *taken->View(kFirstDataGroup);

  const auto kept = engine_->snapshots().Keep(std::move(taken), LogIndex(1), {});

  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_EQ(RowsOf(*view), (StateRows{{"key", "value"}}));
  EXPECT_EQ((*kept)->View(kFirstDataGroup).error().code(), ErrorCode::kNotFound);
}

TEST_F(SnapshotTest, OnlyTheNewestTwoAreKept) {
  OpenWithGroup();
  // The clock goes back meanwhile: the order is that of keeping.
  for (const std::uint64_t index : {1u, 2u, 3u}) TakeAndKeep(index, kNow - 60'000 * index);

  const std::vector<std::string> names = KeptNames();
  Reopen();

  EXPECT_THAT(names, ElementsAre("snapshot-20261127-071308-3", "snapshot-20261127-071408-2"));
  EXPECT_EQ(KeptNames(), names);
  EXPECT_THAT(NamesIn(snapshots_dir()), SizeIs(2));
}

TEST_F(SnapshotTest, TwoOfOneSecondAndIndexHaveDifferentNames) {
  OpenWithGroup();

  TakeAndKeep(7);
  TakeAndKeep(7);

  EXPECT_THAT(KeptNames(), ElementsAre("snapshot-20261127-071609-7", "snapshot-20261127-071608-7"));
}

TEST_F(SnapshotTest, ASupersededOneStaysReadableWhileItIsHeld) {
  OpenWithGroup();
  Put("key", "1");
  std::shared_ptr<const Snapshot> first = TakeAndKeep(1);
  Put("key", "2");
  TakeAndKeep(2);
  TakeAndKeep(3);

  const auto listed = KeptNames();
  const StateRows rows = RowsOf(*first);
  std::unique_ptr<StateView> view = *first->View(kFirstDataGroup);
  first.reset();
  const StateRows by_view_alone = RowsOf(*view);
  const auto names_before = NamesIn(snapshots_dir());
  view.reset();

  EXPECT_THAT(listed, testing::Not(testing::Contains("snapshot-20261127-071608-1")));
  EXPECT_EQ(rows, (StateRows{{"key", "1"}}));
  EXPECT_EQ(by_view_alone, rows);
  EXPECT_THAT(names_before, SizeIs(3));
  EXPECT_THAT(NamesIn(snapshots_dir()), SizeIs(2));
}

TEST_F(SnapshotTest, ASupersededOneThatWasHeldAtACrashGoesAtTheNextStart) {
  OpenWithGroup();
  const std::shared_ptr<const Snapshot> first = TakeAndKeep(1);
  const fs::path copy = options_.data_dir.string() + "_copy";
  TakeAndKeep(2);
  TakeAndKeep(3);
  fs::remove_all(copy);
  fs::copy(snapshots_dir(), copy, fs::copy_options::recursive);  // with all three
  engine_.reset();
  fs::remove_all(snapshots_dir());
  fs::rename(copy, snapshots_dir());

  Open();

  EXPECT_THAT(KeptNames(), SizeIs(2));
  EXPECT_THAT(NamesIn(snapshots_dir()), SizeIs(2));
}

TEST_F(SnapshotTest, KeptOnesAreThereAfterARestart) {
  OpenWithGroup();
  Put("key", "1");
  const std::shared_ptr<const Snapshot> first = TakeAndKeep(1);
  const std::uint64_t size_bytes = first->size_bytes();
  Put("key", "2");
  TakeAndKeep(2);

  Reopen();

  const auto kept = engine_->snapshots().Kept();
  ASSERT_THAT(kept, SizeIs(2));
  EXPECT_EQ(RowsOf(*kept[0]), (StateRows{{"key", "2"}}));
  EXPECT_EQ(RowsOf(*kept[1]), (StateRows{{"key", "1"}}));
  EXPECT_EQ(kept[1]->size_bytes(), size_bytes);
  EXPECT_THAT(kept[1]->groups(), ElementsAre(GroupSnapshot{kFirstDataGroup, Metadata(1)}));
}

TEST_F(SnapshotTest, WhatWasLeftUnfinishedIsGoneAfterARestart) {
  OpenWithGroup();
  const std::shared_ptr<Snapshot> taken = Take();
  const std::string name = taken->name();
  engine_.reset();
  fs::create_directories(snapshots_dir() / name);
  std::ofstream(snapshots_dir() / name / "000001.sst") << "half";
  fs::create_directories(incoming_dir() / "1-1");
  std::ofstream(incoming_dir() / "1-1" / "000001.sst") << "half";

  Open();

  EXPECT_THAT(NamesIn(snapshots_dir()), IsEmpty());
  EXPECT_THAT(NamesIn(incoming_dir()), IsEmpty());
}

TEST_F(SnapshotTest, ADamagedOneIsReportedAndTheOthersAreListed) {
  OpenWithGroup();
  const std::string damaged = TakeAndKeep(1)->name();
  TakeAndKeep(2);
  engine_.reset();
  std::ofstream(snapshots_dir() / damaged / "METADATA", std::ios::binary) << "SESHATSN";

  Open();

  EXPECT_THAT(engine_->open_report().unusable_snapshots,
              ElementsAre(HasSubstr((snapshots_dir() / damaged / "METADATA").string())));
  EXPECT_THAT(KeptNames(), ElementsAre("snapshot-20261127-071608-2"));
}

TEST_F(SnapshotTest, OneOfANewerVersionIsReportedAndLeftAlone) {
  OpenWithGroup();
  const fs::path metadata = snapshots_dir() / TakeAndKeep(1)->name() / "METADATA";
  engine_.reset();
  std::fstream file(metadata, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(15);
  file.put(2);
  file.close();

  Open();

  EXPECT_THAT(engine_->open_report().unusable_snapshots, ElementsAre(HasSubstr("newer than 1")));
  EXPECT_THAT(KeptNames(), IsEmpty());
  EXPECT_TRUE(fs::exists(metadata));
}

TEST_F(SnapshotTest, AManifestThatWasCutIsNotTakenForAnOlderState) {
  OpenWithGroup();
  Put("key", "value");
  const fs::path folder = snapshots_dir() / TakeAndKeep(1)->name();
  for (const std::string& name : NamesIn(folder)) {
    if (name.starts_with("MANIFEST"))
      fs::resize_file(folder / name, fs::file_size(folder / name) - 1);
  }

  const auto view = engine_->snapshots().Kept().front()->View(kFirstDataGroup);

  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(view.error().message(), HasSubstr(folder.string()));
}

TEST_F(SnapshotTest, ItHoldsNoLogFiles) {
  OpenWithGroup();
  Put("key", "value");

  const std::vector<std::string> names = NamesIn(snapshots_dir() / TakeAndKeep(1)->name());

  for (const std::string& name : names) EXPECT_FALSE(name.ends_with(".log")) << name;
  EXPECT_THAT(names, testing::Contains("CURRENT"));
}

TEST_F(SnapshotTest, ItHoldsOnToNoTablesOfLogs) {
  OpenWithGroup();
  ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, 1, {"one", "two"})));
  Reopen();  // brings what was written into table files
  Put("key", "value");

  const std::shared_ptr<const Snapshot> kept = TakeAndKeep(1);

  EXPECT_THAT(FamiliesIn(options_.data_dir / "rocksdb"), testing::Contains("data_raft_log"));
  EXPECT_THAT(FamiliesIn(snapshots_dir() / kept->name()), ElementsAre("data_kv", "default"));
  EXPECT_EQ(RowsOf(*kept), (StateRows{{"key", "value"}}));
}

TEST_F(SnapshotTest, ReadsAndWritesGoOnWhileItIsTaken) {
  OpenWithGroup();
  std::atomic<bool> stop = false;
  std::uint64_t written = 0;
  engine_->state().Write(kFirstDataGroup, Puts({{"a", "0"}, {"b", "0"}}));
  std::thread writer([&] {
    while (!stop) {
      ++written;
      engine_->state().Write(
          kFirstDataGroup, Puts({{"a", std::to_string(written)}, {"b", std::to_string(written)}}));
      if (written % 10 == 0)
        Clear({{"a", std::to_string(written)}, {"b", std::to_string(written)}});
    }
  });

  std::vector<StateRows> rows;
  for (std::uint64_t i = 1; i <= 8; ++i) rows.push_back(RowsOf(*TakeAndKeep(i)));
  stop = true;
  writer.join();

  std::uint64_t last = 0;
  for (const StateRows& one : rows) {
    ASSERT_EQ(one.size(), 2u);
    EXPECT_EQ(one.at("a"), one.at("b"));
    EXPECT_GE(std::stoull(one.at("a")), last);
    last = std::stoull(one.at("a"));
  }
  EXPECT_GT(last, 0u);
  EXPECT_THAT(fatal_.reasons(), IsEmpty());
}

TEST_F(SnapshotTest, ItHoldsEachGroupThatIsThere) {
  OpenWithGroup();
  ASSERT_TRUE(engine_->log().CreateGroup(GroupId(7), ""));
  engine_->state().Write(GroupId(7), Puts({{"seven", "7"}}));

  const std::shared_ptr<Snapshot> taken = Take();

  EXPECT_THAT(taken->groups(),
              ElementsAre(GroupSnapshot{kFirstDataGroup, ""}, GroupSnapshot{GroupId(7), ""}));
  EXPECT_EQ(RowsOf(*taken, GroupId(7)), (StateRows{{"seven", "7"}}));
  EXPECT_EQ(taken->View(GroupId(8)).error().code(), ErrorCode::kNotFound);
}

TEST_F(SnapshotTest, GaugesSayHowManyAndHowMuch) {
  OpenWithGroup();
  Put("key", std::string(100'000, 'x'));
  const std::shared_ptr<const Snapshot> kept = TakeAndKeep(1);
  engine_->RefreshMetrics();

  EXPECT_EQ(metrics_.gauges["storage_snapshots"].value, 1);
  EXPECT_EQ(metrics_.gauges["storage_snapshot_size_bytes"].value,
            static_cast<double>(kept->size_bytes()));
  EXPECT_LT(metrics_.gauges["storage_snapshot_pinned_bytes"].value,
            static_cast<double>(kept->size_bytes()));
}

}  // namespace
}  // namespace seshat
