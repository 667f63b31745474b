// The power fails at any moment, over and over on one data directory: it always opens again, with
// everything that was acknowledged.
//
//   SESHAT_POWER_FAILURES=10000 SESHAT_FIRST_SEED=1 storage_test --gtest_filter='PowerFailure*'
//
// A seed decides what is written, when the power fails and what survives; not how RocksDB's own
// threads take turns. A directory that fails stays where the message says.
#include "faulty_disk.h"
#include "random_workload.h"
#include "storage_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFailuresOfADirectory = 10;

// What the failures were, for the record.
struct Figures {
  std::uint64_t power_failures = 0;
  std::uint64_t kills = 0;
  std::uint64_t while_opening = 0;
  std::uint64_t torn_logs = 0;
  std::uint64_t torn_manifests = 0;
  std::uint64_t acknowledged = 0;
};

// The life of one data directory.
class Life {
 public:
  Life(std::uint64_t seed, RecordingMetrics& metrics)
      : root_(TestFolder().string() + "_" + std::to_string(seed)),
        random_(seed),
        metrics_(metrics) {
    fs::remove_all(root_);
    disk_ = std::make_unique<FaultyDisk>(root_);
    options_.data_dir = root_ / "node" / "data";
    options_.env = disk_->env();
    options_.write_buffer_bytes = std::size_t{4} << 20;
    workload_ = std::make_unique<RandomWorkload>(*disk_, options_.data_dir, random_.Next());
  }

  void Run(Figures& figures) {
    while (figures_.power_failures < kFailuresOfADirectory) {
      RunUntilFailure();
      if (testing::Test::HasFatalFailure()) return;
      disk_->CutPower();
      disk_->Restart();
      if (random_.Chance(1, 4)) {
        ++figures_.kills;
      } else {
        ++figures_.power_failures;
        disk_->LoseUnsynced(random_);
      }
    }
    RunUntilFailure();
    if (testing::Test::HasFatalFailure()) return;
    figures_.acknowledged = workload_->acknowledged();
    figures.power_failures += figures_.power_failures;
    figures.kills += figures_.kills;
    figures.while_opening += figures_.while_opening;
    figures.torn_logs += figures_.torn_logs;
    figures.torn_manifests += figures_.torn_manifests;
    figures.acknowledged += figures_.acknowledged;
    disk_.reset();
    fs::remove_all(root_);
  }
  const fs::path& root() const { return root_; }

 private:
  void RunUntilFailure() {
    workload_->ForgetStop();
    // So small that flushes and compactions are going on at most moments.
    options_.wal_bytes_max = std::uint64_t{16} << (10 + random_.Below(6));
    options_.idle_mark_delay =
        random_.Chance(1, 2) ? std::chrono::milliseconds(0) : std::chrono::hours(1);
    disk_->CutPowerAt(static_cast<int>(random_.Below(random_.Chance(1, 4) ? 60 : 600)) + 1);
    Result<std::unique_ptr<StorageEngine>> engine =
        StorageEngine::Open(options_, *workload_, metrics_, NodeId(1));
    if (disk_->power_is_off()) {
      ++figures_.while_opening;
      return;
    }
    ASSERT_TRUE(engine) << engine.error().message();
    if ((*engine)->open_report().torn_tail) ++figures_.torn_logs;
    if ((*engine)->open_report().torn_manifest) ++figures_.torn_manifests;
    const Status verified = workload_->Verify(**engine);
    ASSERT_TRUE(verified) << verified.error().message();
    const Status identity = workload_->VerifyIdentity();
    ASSERT_TRUE(identity) << identity.error().message();
    workload_->Run(**engine, static_cast<int>(random_.Below(200)));
    // Else the engine stops as it should, if the power lasts.
    if (random_.Chance(1, 2)) disk_->CutPower();
    ASSERT_TRUE(disk_->power_is_off() || workload_->stops().empty())
        << workload_->stops().front().message();
  }

  const fs::path root_;
  Random random_;
  RecordingMetrics& metrics_;
  Figures figures_;
  std::unique_ptr<FaultyDisk> disk_;
  StorageOptions options_;
  std::unique_ptr<RandomWorkload> workload_;
};

// RocksDB syncs only the logs of its own time, and keeps one that holds marks alone.
TEST(PowerFailureTest, WhatAKilledProcessLeftUnsyncedInTheLogIsNoLostPromiseLater) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    fs::remove_all(TestFolder());
    FaultyDisk disk(TestFolder());
    StorageOptions options{.data_dir = TestFolder() / "data"};
    options.env = disk.env();
    options.idle_mark_delay = std::chrono::hours(1);
    RecordingMetrics metrics;
    RecordingFatal fatal;
    const auto open = [&] { return StorageEngine::Open(options, fatal, metrics, NodeId(1)); };
    ASSERT_TRUE((*open())->log().CreateGroup(kFirstDataGroup, ""));
    // Of the second process only its first mark gets into the log, and not onto the disk.
    disk.CutPowerAtNext(FileKind::kLog, DiskOperation::kAppend);
    ASSERT_TRUE(open());
    disk.Restart();
    ASSERT_TRUE((*open())->RememberPeer(NodeId(2), "store"));
    disk.CutPower();
    disk.Restart();
    Random random(seed);
    disk.LoseUnsynced(random);

    const auto opened = open();

    ASSERT_TRUE(opened) << opened.error().message();
  }
  fs::remove_all(TestFolder());
}

TEST(PowerFailureTest, NoAcknowledgedWriteIsLostAndEveryDirectoryOpensAgain) {
  const std::uint64_t failures = NumberFromEnvironment("SESHAT_POWER_FAILURES", 100);
  RecordingMetrics metrics;
  Figures figures;

  for (std::uint64_t seed = NumberFromEnvironment("SESHAT_FIRST_SEED", 1);
       figures.power_failures < failures; ++seed) {
    Life life(seed, metrics);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", left in " + life.root().string());
    life.Run(figures);
    if (HasFatalFailure()) return;
  }

  std::cout << figures.power_failures << " power failures, " << figures.kills << " kills, "
            << figures.while_opening << " of both while opening; " << figures.torn_logs
            << " torn logs, " << figures.torn_manifests << " torn manifests; "
            << figures.acknowledged << " writes acknowledged\n";
}

}  // namespace
}  // namespace seshat
