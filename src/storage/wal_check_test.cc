// What damage to the write-ahead log does at start: below the highest durable mark the node does
// not start; above it the tail is cut off and everything synced is still there.
//
// A crash is a copy of the folder while the engine runs: what was written and not synced is in it,
// as after a kill. Power failures are played by damaging the un-synced part of the copy.
#include "wal_check.h"

#include <rocksdb/write_batch.h>
#include <unistd.h>

#include "crc32c.h"
#include "seshat/base/random.h"
#include "storage_fixture.h"
#include "wal_reader.h"
#include "wal_record.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void WriteAll(const fs::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
}

// A whole log record as RocksDB would write it, as a client might craft it to be found when the
// check searches byte by byte through its value.
std::string LogRecordWithMark(std::uint64_t durable_sequence, std::uint64_t mark_key) {
  rocksdb::WriteBatch batch;
  EXPECT_TRUE(batch.PutLogData(EncodeMark(durable_sequence, {}, mark_key)).ok());
  std::string checked = "\x01" + batch.Data();  // the type, then the payload
  checked.replace(1, 8, std::string(7, '\x7f') + '\0');
  const std::size_t length = checked.size() - 1;
  const std::uint32_t crc = Crc32c(checked);
  const std::uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  std::string record;
  for (int shift = 0; shift < 32; shift += 8) record.push_back(static_cast<char>(masked >> shift));
  record.push_back(static_cast<char>(length & 0xff));
  record.push_back(static_cast<char>(length >> 8));
  return record + checked;
}

struct FoundRecord {
  std::uint64_t offset = 0;
  std::uint64_t end = 0;  // of its first fragment
  WalRecord record;
};

class WalCheckTest : public StorageFixture {
 protected:
  WalCheckTest() {
    // Marks come only with the next write, so that the tests decide what they cover.
    options_.idle_mark_delay = std::chrono::hours(1);
    options_.write_buffer_bytes = std::size_t{4} << 20;  // log files are preallocated as long
    image_.data_dir = options_.data_dir.string() + "_image";
    image_.idle_mark_delay = options_.idle_mark_delay;
  }
  ~WalCheckTest() override { fs::remove_all(image_.data_dir); }

  void Append(const std::string& value) {
    ASSERT_TRUE(WriteAndWait(Records(kFirstDataGroup, ++last_index_, {value})));
    synced_.push_back(value);
  }
  void WriteUnsynced(const std::string& key, const std::string& value) {
    engine_->state().Write(kFirstDataGroup, Puts({{key, value}}));
  }
  // Two synced writes, the second with a mark that covers the first; then ten that nobody synced.
  void WriteSyncedAndUnsynced() {
    OpenWithGroup();
    Append("first");
    Append("second");
    for (int i = 0; i < 10; ++i) WriteUnsynced("key" + std::to_string(i), std::string(100, 'v'));
  }

  // Takes the picture that a crash at this moment would leave.
  void TakeWholeImage() {
    fs::remove_all(image_.data_dir);
    fs::copy(options_.data_dir, image_.data_dir, fs::copy_options::recursive);
  }
  // The same, but the newest log file ends with its last record.
  void TakeImage() {
    TakeWholeImage();
    fs::resize_file(ImageWal(), ImageRecordsEnd());
  }
  // Closes the engine first: the last mark covers everything.
  void StopAndTakeImage() {
    engine_.reset();
    TakeImage();
  }
  fs::path ImageWal() const {
    fs::path newest;
    for (const fs::directory_entry& entry : fs::directory_iterator(image_.data_dir / "rocksdb")) {
      if (entry.path().extension() == ".log") newest = std::max(newest, entry.path());
    }
    return newest;
  }
  std::uint64_t ImageRecordsEnd() const {
    Result<WalReader> reader = WalReader::Open(ImageWal());
    for (;;) {
      Result<std::optional<WalItem>> item = reader->Next();
      EXPECT_TRUE(item);
      if (!item || !item->has_value()) return reader->offset();
    }
  }
  std::vector<FoundRecord> ImageRecords() const {
    std::string identity = ReadAll(image_.data_dir / "rocksdb" / "IDENTITY");
    identity.resize(std::min(identity.size(), identity.find('\n')));
    Result<WalReader> reader = WalReader::Open(ImageWal());
    std::vector<FoundRecord> found;
    for (;;) {
      Result<std::optional<WalItem>> item = reader->Next();
      if (!item || !item->has_value() || !(*item)->damage.empty()) return found;
      const std::uint64_t offset = (*item)->offset;
      const std::uint64_t block_end =
          (offset / WalReader::kBlockBytes + 1) * WalReader::kBlockBytes;
      const std::uint64_t end =
          std::min(offset + WalReader::kHeaderBytes + (*item)->payload.size(), block_end);
      Result<WalRecord> record = ParseWalRecord((*item)->payload, MarkKeyOf(identity));
      EXPECT_TRUE(record);
      found.push_back({.offset = offset, .end = end, .record = *record});
    }
  }
  void FlipBit(std::uint64_t offset) {
    std::string content = ReadAll(ImageWal());
    content[offset] = static_cast<char>(content[offset] ^ 4);
    WriteAll(ImageWal(), content);
  }

  Result<std::unique_ptr<StorageEngine>> OpenImage() {
    return StorageEngine::Open(image_, fatal_, metrics_, NodeId(1));
  }
  void ExpectRefused() {
    const auto opened = OpenImage();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
    EXPECT_THAT(opened.error().message(), HasSubstr(ImageWal().string()));
    EXPECT_THAT(opened.error().message(), HasSubstr("offset"));
  }
  // Opens, says that it cut the tail off, and has everything that was synced.
  void ExpectTornTailCut() {
    const auto opened = OpenImage();
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_TRUE((*opened)->open_report().torn_tail.has_value());
    EXPECT_EQ(LogOf(**opened), synced_);
  }

  StorageOptions image_;
  std::uint64_t last_index_ = 0;
  std::vector<std::string> synced_;
};

TEST_F(WalCheckTest, AnUndamagedCrashImageOpensWithEverything) {
  WriteSyncedAndUnsynced();
  TakeImage();

  const auto opened = OpenImage();

  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_FALSE((*opened)->open_report().torn_tail.has_value());
  EXPECT_EQ(LogOf(**opened), synced_);
  const Result<Lookup> last = (*opened)->state().Get(kFirstDataGroup, "key9", ReadTier::kAnywhere);
  EXPECT_EQ(last->outcome, Lookup::Outcome::kFound);
}

TEST_F(WalCheckTest, EveryRecordFollowsOnTheOneBefore) {
  WriteSyncedAndUnsynced();
  TakeImage();

  const std::vector<FoundRecord> records = ImageRecords();

  ASSERT_GE(records.size(), 13u);
  EXPECT_TRUE(records.front().record.durable_sequence.has_value());
  for (std::size_t i = 1; i < records.size(); ++i) {
    EXPECT_EQ(records[i].record.first_sequence,
              records[i - 1].record.first_sequence + records[i - 1].record.count);
  }
}

TEST_F(WalCheckTest, AFlippedBitInAnySyncedRecordRefusesToOpen) {
  OpenWithGroup();
  for (int i = 0; i < 20; ++i) Append("value" + std::to_string(i));
  StopAndTakeImage();
  const std::vector<FoundRecord> records = ImageRecords();
  const std::string intact = ReadAll(ImageWal());

  // All but the last, which is the mark alone.
  for (std::size_t i = 0; i + 1 < records.size(); ++i) {
    SCOPED_TRACE(i);
    FlipBit(records[i].end - 1);
    ExpectRefused();
    WriteAll(ImageWal(), intact);
  }
  EXPECT_TRUE(OpenImage());
}

TEST_F(WalCheckTest, AFlippedBitInALengthOrAChecksumIsFoundToo) {
  OpenWithGroup();
  for (int i = 0; i < 5; ++i) Append("value");
  StopAndTakeImage();
  const FoundRecord third = ImageRecords()[3];
  const std::string intact = ReadAll(ImageWal());

  for (std::uint64_t byte = 0; byte < WalReader::kHeaderBytes; ++byte) {
    SCOPED_TRACE(byte);
    FlipBit(third.offset + byte);
    ExpectRefused();
    WriteAll(ImageWal(), intact);
  }
}

TEST_F(WalCheckTest, AnIdleWriterRecordsHowFarItsLastSyncReached) {
  options_.idle_mark_delay = std::chrono::milliseconds(1);
  OpenWithGroup();
  Append("only");
  const auto covered = [this] {
    TakeImage();
    const std::vector<FoundRecord> records = ImageRecords();
    const WalRecord& last = records.back().record;
    return last.count == 0 && last.durable_sequence == last.first_sequence - 1;
  };
  ASSERT_TRUE(Eventually(covered));

  const std::vector<FoundRecord> records = ImageRecords();
  FlipBit(records[records.size() - 2].end - 1);

  ExpectRefused();
}

TEST_F(WalCheckTest, AnIdleWriterWritesOneMarkAndThenIsQuiet) {
  options_.idle_mark_delay = std::chrono::milliseconds(1);
  OpenWithGroup();
  Append("only");
  ASSERT_TRUE(Eventually([this] {
    TakeImage();
    return ImageRecords().back().record.count == 0;
  }));
  const std::size_t before = ImageRecords().size();

  // A second group of marks would have come many times over by the time this is synced.
  Append("another");
  TakeImage();

  EXPECT_LE(ImageRecords().size(), before + 2);
}

TEST_F(WalCheckTest, RowsSyncedOutsideTheLogAreCoveredByAMarkToo) {
  Open();
  const std::vector<std::function<void()>> synced_writes{
      [this] { ASSERT_TRUE(engine_->log().CreateGroup(kFirstDataGroup, "")); },
      [this] { ASSERT_TRUE(engine_->RememberPeer(NodeId(2), "store")); },
      [this] {
        StateBatch clear;
        clear.clear_all_but_prefix = "~";
        engine_->state().Write(kFirstDataGroup, std::move(clear));
      }};

  for (std::size_t i = 0; i < synced_writes.size(); ++i) {
    SCOPED_TRACE(i);
    synced_writes[i]();
    StopAndTakeImage();
    const std::vector<FoundRecord> records = ImageRecords();
    ASSERT_EQ(records.back().record.count, 0u);
    FlipBit(records[records.size() - 2].end - 1);
    ExpectRefused();
    Open();
  }
}

TEST_F(WalCheckTest, AMissingRecordInTheMiddleRefusesToOpen) {
  OpenWithGroup();
  for (int i = 0; i < 5; ++i) Append("value");
  StopAndTakeImage();
  const std::vector<FoundRecord> records = ImageRecords();
  std::string content = ReadAll(ImageWal());
  content.erase(records[3].offset, records[4].offset - records[3].offset);

  WriteAll(ImageWal(), content);

  ExpectRefused();
}

TEST_F(WalCheckTest, ATailCutInsideAnUnsyncedRecordOpens) {
  WriteSyncedAndUnsynced();
  TakeImage();
  const FoundRecord last = ImageRecords().back();

  fs::resize_file(ImageWal(), last.offset + 20);

  ExpectTornTailCut();
}

TEST_F(WalCheckTest, AnUnsyncedRecordDamagedBeforeIntactOnesOpens) {
  WriteSyncedAndUnsynced();
  TakeImage();
  const std::vector<FoundRecord> records = ImageRecords();

  FlipBit(records[records.size() - 5].end - 1);

  ExpectTornTailCut();
}

TEST_F(WalCheckTest, AZeroedPageBeforeAValidOneOpens) {
  WriteSyncedAndUnsynced();
  for (int i = 0; i < 10; ++i) WriteUnsynced("big", std::string(20'000, 'v'));
  TakeImage();
  const std::vector<FoundRecord> records = ImageRecords();
  std::string content = ReadAll(ImageWal());
  const std::uint64_t unsynced = records[records.size() - 19].offset;
  const std::uint64_t page = (unsynced / 4096 + 1) * 4096;

  content.replace(page, 4096, std::string(4096, '\0'));
  WriteAll(ImageWal(), content);

  ExpectTornTailCut();
}

TEST_F(WalCheckTest, GarbageBehindTheLastRecordOpens) {
  WriteSyncedAndUnsynced();
  TakeImage();
  Random random(7);
  std::string content = ReadAll(ImageWal());

  for (int i = 0; i < 100'000; ++i) content.push_back(static_cast<char>(random.Next()));
  WriteAll(ImageWal(), content);

  ExpectTornTailCut();
}

TEST_F(WalCheckTest, ALogFileHasItsFinalLengthWhileItIsWrittenAndIsCutWhenItIsClosed) {
  WriteSyncedAndUnsynced();
  TakeWholeImage();
  const std::uint64_t size = fs::file_size(ImageWal());

  WriteUnsynced("key", std::string(10'000, 'v'));
  TakeWholeImage();
  const std::uint64_t size_later = fs::file_size(ImageWal());
  StopAndTakeImage();

  EXPECT_GT(size, ImageRecordsEnd() + (std::uint64_t{1} << 20));
  EXPECT_EQ(size_later, size);
  EXPECT_EQ(fs::file_size(rocksdb_dir() / ImageWal().filename()), ImageRecordsEnd());
}

TEST_F(WalCheckTest, ZerosBehindTheLastRecordAreNoDamage) {
  WriteSyncedAndUnsynced();
  TakeImage();
  const std::uint64_t end = fs::file_size(ImageWal());

  for (const std::uint64_t zeros : {1, 6, 7, 100, 100'000}) {
    SCOPED_TRACE(zeros);
    TakeImage();
    fs::resize_file(ImageWal(), end + zeros);
    const auto opened = OpenImage();
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_FALSE((*opened)->open_report().torn_tail.has_value());
    EXPECT_EQ(LogOf(**opened), synced_);
  }
}

TEST_F(WalCheckTest, ARecordBehindZerosSaysWhatWasLostInThem) {
  WriteSyncedAndUnsynced();
  Append("third");
  StopAndTakeImage();
  const std::vector<FoundRecord> records = ImageRecords();
  std::string content = ReadAll(ImageWal());
  const std::uint64_t from = records[3].offset;
  const std::uint64_t to = records.back().offset;  // the last mark alone
  content.replace(from, to - from, std::string(to - from, '\0'));

  WriteAll(ImageWal(), content);

  ExpectRefused();
}

TEST_F(WalCheckTest, ATornTailInAPreallocatedFileIsKeptAsideWithoutItsZeros) {
  WriteSyncedAndUnsynced();
  TakeImage();
  const fs::path wal = ImageWal();
  const std::uint64_t torn_at = fs::file_size(wal) - 1;
  fs::resize_file(wal, torn_at);
  fs::resize_file(wal, torn_at + (std::uint64_t{1} << 20));

  const auto opened = OpenImage();

  ASSERT_TRUE(opened) << opened.error().message();
  const TornTail torn = (*opened)->open_report().torn_tail.value();
  EXPECT_EQ(torn.bytes_dropped, torn_at - torn.offset);
  EXPECT_EQ(fs::file_size(torn.kept_aside / wal.filename()), torn_at);
}

TEST_F(WalCheckTest, ATornTailIsKeptAsideAndTheNextOpenFindsNone) {
  WriteSyncedAndUnsynced();
  TakeImage();
  const fs::path wal = ImageWal();
  fs::resize_file(wal, fs::file_size(wal) - 1);
  const std::string damaged = ReadAll(wal);

  TornTail torn;
  {
    const auto opened = OpenImage();
    ASSERT_TRUE(opened);
    torn = (*opened)->open_report().torn_tail.value();
  }
  const auto again = OpenImage();

  EXPECT_EQ(torn.file, wal);
  EXPECT_EQ(torn.bytes_dropped, damaged.size() - torn.offset);
  EXPECT_EQ(ReadAll(torn.kept_aside / wal.filename()), damaged);
  ASSERT_TRUE(again);
  EXPECT_FALSE((*again)->open_report().torn_tail.has_value());
}

TEST_F(WalCheckTest, OnlyTheNewestTwoTornTailsAreKept) {
  WriteSyncedAndUnsynced();
  const fs::path torn_dir = image_.data_dir / "rocksdb-torn-tail";
  TakeImage();
  for (const char* const old : {"000000000000001", "000000000000002", "000000000000003"}) {
    fs::create_directories(torn_dir / old);
  }
  fs::resize_file(ImageWal(), fs::file_size(ImageWal()) - 1);

  ExpectTornTailCut();

  std::vector<std::string> kept;
  for (const fs::directory_entry& entry : fs::directory_iterator(torn_dir)) {
    kept.push_back(entry.path().filename());
  }
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_THAT(kept, testing::Contains("000000000000003"));
}

TEST_F(WalCheckTest, AMarkInsideAClientsValueIsNotBelieved) {
  WriteSyncedAndUnsynced();
  const std::string foreign = LogRecordWithMark(std::uint64_t{1} << 40, MarkKeyOf("a guess"));
  for (int i = 0; i < 3; ++i) WriteUnsynced("crafted", foreign);
  TakeImage();
  const std::vector<FoundRecord> records = ImageRecords();

  FlipBit(records[records.size() - 3].offset);

  ExpectTornTailCut();
}

TEST_F(WalCheckTest, ALogWithoutTheDatabasesIdentityIsRefused) {
  WriteSyncedAndUnsynced();
  TakeImage();
  fs::remove(image_.data_dir / "rocksdb" / "IDENTITY");

  const auto opened = OpenImage();

  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(opened.error().message(), HasSubstr("IDENTITY"));
}

// Writes at random, takes a crash image, damages it at random. Replay: the seed is in the trace.
TEST_F(WalCheckTest, RandomDamageNeverLosesASyncedWriteUnnoticed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    engine_.reset();
    fs::remove_all(options_.data_dir);
    last_index_ = 0;
    synced_.clear();
    OpenWithGroup();
    for (std::uint64_t i = random.Below(20) + 3; i-- > 0;) {
      Append(std::string(random.Below(30'000), static_cast<char>('a' + i % 26)));
      for (std::uint64_t j = random.Below(3); j-- > 0;) {
        WriteUnsynced("key", std::string(random.Below(20'000), 'u'));
      }
    }
    TakeImage();
    const std::uint64_t synced_end = fs::file_size(ImageWal());
    for (int i = 0; i < 10; ++i) WriteUnsynced("key", std::string(random.Below(20'000) + 1, 'u'));
    TakeImage();
    const std::string intact = ReadAll(ImageWal());
    const std::vector<FoundRecord> records = ImageRecords();
    std::size_t mark_at = 0;
    std::uint64_t mark = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (!records[i].record.durable_sequence) continue;
      mark_at = i;
      mark = *records[i].record.durable_sequence;
    }

    // Below the highest mark, which itself stays: refused.
    const FoundRecord& victim = records[random.Below(mark_at)];
    if (victim.record.count > 0 && victim.record.first_sequence <= mark) {
      FlipBit(victim.offset + random.Below(victim.end - victim.offset));
      ExpectRefused();
    }

    // Above everything synced: opens with all of it.
    std::string torn = intact;
    const std::uint64_t from = synced_end + random.Below(torn.size() - synced_end);
    const std::uint64_t length =
        std::min<std::uint64_t>(random.Below(9000) + 1, torn.size() - from);
    switch (random.Below(3)) {
      case 0:
        torn.resize(from);
        break;
      case 1:
        torn.replace(from, length, std::string(length, '\0'));
        break;
      default:
        for (std::uint64_t i = from; i < from + length; ++i) {
          torn[i] = static_cast<char>(random.Next());
        }
    }
    if (random.Below(2) == 0) torn.append(random.Below(100'000), '\0');
    WriteAll(ImageWal(), torn);
    const auto opened = OpenImage();
    ASSERT_TRUE(opened) << opened.error().message();
    ASSERT_EQ(LogOf(**opened), synced_);
  }
}

TEST_F(WalCheckTest, AKillUnderFlushesAndManyLogFilesOpensWithEverySyncedWrite) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  constexpr std::uint64_t kWrites = 300;
  options_.wal_bytes_max = std::uint64_t{256} << 10;
  const auto write_and_die = [this] {
    OpenWithGroup();
    for (std::uint64_t i = 0; i < kWrites; ++i) {
      Append(std::string(5000, 'x'));
      WriteUnsynced("key" + std::to_string(i), std::string(5000, 'y'));
      if (i % 50 != 0) continue;
      StateBatch clear;
      clear.clear_all_but_prefix = "~";
      engine_->state().Write(kFirstDataGroup, std::move(clear));
    }
    ::_exit(0);
  };

  EXPECT_EXIT(write_and_die(), testing::ExitedWithCode(0), "");
  Open();

  EXPECT_FALSE(engine_->open_report().torn_tail.has_value());
  EXPECT_EQ(ReadLog().size(), kWrites);
}

}  // namespace
}  // namespace seshat
