// One bit flips in one file of a closed data directory: then the node does not start, or a read is
// an error, or everything that is read is exactly what was written.
//
//   SESHAT_BIT_FLIPS=2000 SESHAT_FIRST_SEED=1 storage_test --gtest_filter='BitFlip*'
#include <array>
#include <iomanip>

#include "faulty_disk.h"
#include "random_workload.h"
#include "seshat/storage/identity_file.h"
#include "storage_fixture.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* name;
  bool (*matches)(const fs::path& path);
  std::uint64_t weight;
};

bool InRocksDb(const fs::path& path) {
  return path.parent_path().filename() == "rocksdb";
}

constexpr std::array kKinds{
    Kind{"SST", [](const fs::path& p) { return p.extension() == ".sst"; }, 8},
    Kind{"WAL", [](const fs::path& p) { return p.extension() == ".log" && InRocksDb(p); }, 4},
    Kind{"MANIFEST", [](const fs::path& p) { return p.string().contains("MANIFEST-"); }, 4},
    Kind{"CURRENT", [](const fs::path& p) { return p.filename() == "CURRENT"; }, 1},
    Kind{"OPTIONS", [](const fs::path& p) { return p.string().contains("OPTIONS-"); }, 1},
    Kind{"rocksdb/IDENTITY",
         [](const fs::path& p) { return p.filename() == "IDENTITY" && InRocksDb(p); }, 1},
    Kind{"IDENTITY", [](const fs::path& p) { return p.filename() == "IDENTITY" && !InRocksDb(p); },
         1},
};

struct Verdicts {
  int not_started = 0;
  int read_refused = 0;
  int harmless = 0;
};

class BitFlipTest : public testing::Test {
 protected:
  BitFlipTest() {
    options_.data_dir = root_ / "data";
    options_.env = disk_.env();
    options_.wal_bytes_max = std::uint64_t{256} << 10;
    options_.idle_mark_delay = std::chrono::hours(1);
    options_.write_buffer_bytes = std::size_t{4} << 20;
  }
  ~BitFlipTest() override { fs::remove_all(root_); }

  // Several sessions, so that there are table files on several levels, and a log with records.
  void MakeOriginal() {
    for (int session = 0; session < 4; ++session) {
      auto engine = Open();
      ASSERT_TRUE(engine) << engine.error().message();
      ASSERT_TRUE(workload_.Verify(**engine));
      workload_.Run(**engine, 150);
      (*engine)->Stop();
    }
    ASSERT_TRUE(WriteIdentity(options_.data_dir, {.node_id = NodeId(1),
                                                  .cluster_id = {},
                                                  .store_id = std::string(16, 's'),
                                                  .bootstrap_hash = {}}));
    fs::rename(options_.data_dir, root_ / "original");
  }
  Result<std::unique_ptr<StorageEngine>> Open() {
    return StorageEngine::Open(options_, workload_, metrics_, NodeId(1));
  }
  void Restore() {
    workload_.ForgetStop();
    fs::remove_all(options_.data_dir);
    fs::copy(root_ / "original", options_.data_dir, fs::copy_options::recursive);
  }
  // The file it was in, and where.
  std::string FlipOneBit(const Kind& kind, Random& random) {
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(options_.data_dir)) {
      if (entry.is_regular_file() && kind.matches(entry.path()) && entry.file_size() > 0) {
        files.push_back(entry.path());
      }
    }
    std::ranges::sort(files);
    const fs::path& path = files.at(random.Below(files.size()));
    const auto offset = static_cast<std::streamoff>(random.Below(fs::file_size(path)));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(offset);
    const int byte = file.get();
    file.seekp(offset);
    file.put(static_cast<char>(byte ^ (1 << random.Below(8))));
    return path.string() + " at " + std::to_string(offset);
  }
  // Opens and reads everything, twice: the first start rewrites what it recovers.
  void Judge(Verdicts& verdicts) {
    const Result<std::optional<NodeIdentity>> identity = ReadIdentity(options_.data_dir);
    if (!identity) {
      ++verdicts.not_started;
      return;
    }
    ASSERT_TRUE(identity->has_value());
    EXPECT_EQ((*identity)->node_id, NodeId(1));
    for (int start = 0; start < 2; ++start) {
      const auto engine = Open();
      if (!engine) {
        EXPECT_THAT(engine.error().message(), testing::HasSubstr(root_.string()));
        ++verdicts.not_started;
        return;
      }
      const Status verified = workload_.Verify(**engine);
      if (!verified) {
        ASSERT_NE(verified.error().code(), ErrorCode::kFailedPrecondition)
            << verified.error().message();
        ++verdicts.read_refused;
        return;
      }
    }
    ++verdicts.harmless;
  }

  const fs::path root_ = EmptyTestFolder();
  FaultyDisk disk_{root_};
  RecordingMetrics metrics_;
  StorageOptions options_;
  RandomWorkload workload_{disk_, root_ / "data", 1};
};

TEST_F(BitFlipTest, EveryFlipIsFoundOrHarmless) {
  ASSERT_NO_FATAL_FAILURE(MakeOriginal());
  const std::uint64_t flips = NumberFromEnvironment("SESHAT_BIT_FLIPS", 200);
  Random random(NumberFromEnvironment("SESHAT_FIRST_SEED", 1));
  std::vector<std::size_t> weighted;
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
    weighted.insert(weighted.end(), kKinds[kind].weight, kind);
  }
  std::array<Verdicts, kKinds.size()> verdicts;

  for (std::uint64_t i = 0; i < flips; ++i) {
    const std::size_t kind = weighted[random.Below(weighted.size())];
    Restore();
    SCOPED_TRACE("flip " + std::to_string(i) + ": " + FlipOneBit(kKinds[kind], random));
    Judge(verdicts[kind]);
    if (HasFatalFailure()) return;
  }

  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    std::cout << std::left << std::setw(18) << kKinds[i].name << " not started "
              << verdicts[i].not_started << ", read refused " << verdicts[i].read_refused
              << ", harmless " << verdicts[i].harmless << "\n";
  }
}

}  // namespace
}  // namespace seshat
