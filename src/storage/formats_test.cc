// The small on-disk formats: names, keys, checksums, IDENTITY, log records.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "crc32c.h"
#include "family_names.h"
#include "log_key.h"
#include "posix_file.h"
#include "seshat/storage/identity_file.h"
#include "wal_record.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(FamilyNamesTest, EachRoleHasANameThatParsesBack) {
  for (const std::uint64_t group : {0, 1, 2, 77}) {
    for (const FamilyKind kind : kFamilyKinds) {
      const FamilyRole role{.group = GroupId(group), .kind = kind};
      EXPECT_EQ(ParseFamilyName(FamilyName(role)), role) << FamilyName(role);
    }
  }
}

TEST(FamilyNamesTest, OtherNamesAreNobodys) {
  for (const std::string_view name :
       {"", "default", "shard_1_kv", "shard_0_raft_log", "shard_02_kv", "shard__kv", "shard_2",
        "shard_x_kv", "data_kv.1", "shard_kv", "shard_99999999999999999999_kv"}) {
    EXPECT_EQ(ParseFamilyName(name), std::nullopt) << name;
  }
}

TEST(FamilyNamesTest, AGenerationIsASuffix) {
  EXPECT_EQ(PhysicalFamilyName("data_kv", 0), "data_kv");
  EXPECT_EQ(PhysicalFamilyName("data_kv", 12), "data_kv.12");
}

TEST(LogKeyTest, HasTwentyDigitsSoThatByteOrderIsIndexOrder) {
  EXPECT_EQ(LogKey(LogIndex(42)).view(), "log:00000000000000000042");
  EXPECT_LT(LogKey(LogIndex(9)).view(), LogKey(LogIndex(10)).view());
  EXPECT_EQ(LogKey(LogIndex(~std::uint64_t{0})).view(), "log:18446744073709551615");
}

TEST(LogKeyTest, ParsesItsOwnAndNothingElse) {
  EXPECT_EQ(LogKey::Parse("log:00000000000000000042"), LogIndex(42));
  for (const std::string_view key : {"", "log:42", "lag:00000000000000000042",
                                     "log:0000000000000000004x", "log:99999999999999999999"}) {
    EXPECT_EQ(LogKey::Parse(key), std::nullopt) << key;
  }
}

TEST(Crc32cTest, MatchesTheVectorsOfTheStandard) {
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending.push_back(c);

  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
}

TEST(WalRecordTest, RefusesWhatIsNoWriteBatch) {
  EXPECT_EQ(ParseWalRecord("short", 1).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(ParseWalRecord(std::string(12, '\0') + "\x7f", 1).error().code(),
            ErrorCode::kCorruption);
}

class IdentityFileTest : public testing::Test {
 protected:
  IdentityFileTest()
      : dir_(fs::path(testing::TempDir()) /
             (std::string("seshat_identity_") +
              testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(dir_);
  }
  ~IdentityFileTest() override { fs::remove_all(dir_); }

  std::string ReadRaw() const { return *ReadSmallFile(dir_ / "IDENTITY", 4096).value(); }
  void WriteRaw(std::string_view content) const {
    ASSERT_TRUE(ReplaceFile(dir_ / "IDENTITY", content));
  }
  void ExpectRefused(std::string_view message) const {
    const auto identity = ReadIdentity(dir_);
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().code(), ErrorCode::kCorruption);
    EXPECT_THAT(identity.error().message(), HasSubstr((dir_ / "IDENTITY").string()));
    EXPECT_THAT(identity.error().message(), HasSubstr(std::string(message)));
  }

  const fs::path dir_;
  const NodeIdentity identity_{.node_id = NodeId(3),
                               .cluster_id = std::string(16, 'c'),
                               .store_id = std::string(16, 's'),
                               .bootstrap_hash = "hash"};
};

TEST_F(IdentityFileTest, AMissingFileIsNoIdentity) {
  EXPECT_EQ(ReadIdentity(dir_), std::nullopt);
}

TEST_F(IdentityFileTest, ReadsBackWhatWasWrittenLast) {
  ASSERT_TRUE(WriteIdentity(
      dir_, {.node_id = NodeId(9), .cluster_id = {}, .store_id = "old", .bootstrap_hash = {}}));

  ASSERT_TRUE(WriteIdentity(dir_, identity_));

  EXPECT_EQ(ReadIdentity(dir_), identity_);
}

TEST_F(IdentityFileTest, AnyFlippedBitIsRefused) {
  ASSERT_TRUE(WriteIdentity(dir_, identity_));
  const std::string intact = ReadRaw();

  for (std::size_t byte = 0; byte < intact.size(); ++byte) {
    std::string damaged = intact;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 1);
    WriteRaw(damaged);
    SCOPED_TRACE(byte);
    ExpectRefused("");
  }
}

TEST_F(IdentityFileTest, ATruncatedFileIsRefused) {
  ASSERT_TRUE(WriteIdentity(dir_, identity_));
  const std::string intact = ReadRaw();

  for (std::size_t size = 0; size < intact.size(); ++size) {
    WriteRaw(intact.substr(0, size));
    SCOPED_TRACE(size);
    ExpectRefused("");
  }
}

TEST_F(IdentityFileTest, ANewerFormatSaysWhichVersionIsAllowed) {
  ASSERT_TRUE(WriteIdentity(dir_, identity_));
  std::string newer = ReadRaw();
  newer[15] = 2;

  WriteRaw(newer);

  ExpectRefused("format version 2 is newer than 1");
}

TEST_F(IdentityFileTest, AHugeFileIsRefusedUnread) {
  fs::create_directories(dir_);
  WriteRaw(std::string(100'000, 'x'));

  ExpectRefused("4096");
}

}  // namespace
}  // namespace seshat
