// Every message that raft writes, byte for byte, and what happens to bytes that are not one.
//
// SESHAT_REWRITE=1 rewrites testdata/golden_codecs.txt. Commit a rewrite only with a reason: these
// bytes lie on disks.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "entry_codec.h"
#include "message_codec.h"
#include "seshat/base/random.h"
#include "seshat/v1/raft.pb.h"
#include "seshat/v1/storage.pb.h"
#include "state_codec.h"

namespace seshat {
namespace {

Entry NormalEntry() {
  const std::vector<std::string_view> commands = {"SET k v", "", "GET k"};
  Entry entry;
  entry.term = Term(7);
  entry.index = LogIndex(300);
  entry.data = EncodeProposalBatch(UnixMillis{1'700'000'000'123}, commands);
  return entry;
}

Configuration JointConfiguration() {
  Configuration configuration;
  configuration.voters = {NodeId(1), NodeId(2), NodeId(400)};
  configuration.voters_outgoing = {NodeId(1), NodeId(2), NodeId(3)};
  configuration.learners = {NodeId(9)};
  configuration.learners_next = {NodeId(3)};
  configuration.auto_leave = true;
  return configuration;
}

Entry ConfigEntry() {
  Entry entry;
  entry.term = Term(8);
  entry.index = LogIndex(301);
  entry.type = EntryType::kConfig;
  entry.data = std::make_shared<const std::string>(EncodeConfiguration(JointConfiguration()));
  return entry;
}

Entry NoopEntry() {
  Entry entry;
  entry.term = Term(9);
  entry.index = LogIndex(302);
  entry.type = EntryType::kNoop;
  return entry;
}

HardState SomeHardState() {
  return {Term(12), NodeId(3), LogIndex(299), std::chrono::milliseconds(500)};
}

SnapshotDescriptor SomeSnapshot() {
  return {LogIndex(250), Term(6), JointConfiguration()};
}

// Every field set, as no real message has it.
Message FullMessage() {
  Message message;
  message.type = MessageType::kAppendRequest;
  message.term = Term(12);
  message.from = NodeId(1);
  message.to = NodeId(2);
  message.log_index = LogIndex(299);
  message.log_term = Term(7);
  message.commit = LogIndex(298);
  message.entries = {NormalEntry(), ConfigEntry(), NoopEntry()};
  message.reject = true;
  message.hint_index = LogIndex(290);
  message.hint_term = Term(5);
  message.read_context = 0xfedcba9876543210u;
  message.sent_at = MonotonicTime{Duration(123'456'789)};
  message.promise = std::chrono::milliseconds(500);
  message.transfer = true;
  message.leader_time = UnixMillis{1'700'000'000'456};
  message.snapshot = SomeSnapshot();
  message.log_sync = std::chrono::microseconds(1'234'567);
  return message;
}

std::string MessageBatch() {
  Message heartbeat;
  heartbeat.type = MessageType::kHeartbeatRequest;
  heartbeat.term = Term(12);
  heartbeat.from = NodeId(1);
  heartbeat.to = NodeId(2);
  MessageBatchWriter writer;
  writer.Add(kSystemGroup, heartbeat);
  writer.Add(kFirstDataGroup, FullMessage());
  return writer.Take();
}

std::vector<std::pair<std::string, std::string>> AllRecords() {
  return {
      {"VersionedLogEntry/normal", EncodeEntry(NormalEntry())},
      {"VersionedLogEntry/config", EncodeEntry(ConfigEntry())},
      {"VersionedLogEntry/noop", EncodeEntry(NoopEntry())},
      {"ProposalBatch", *NormalEntry().data},
      {"RaftHardState", EncodeHardState(SomeHardState())},
      {"SnapshotMetadata", EncodeSnapshotMetadata(SomeSnapshot(), UnixMillis{1'700'000'000'000})},
      {"GroupConfiguration", EncodeConfiguration(JointConfiguration())},
      {"RaftMessageBatch", MessageBatch()}};
}

// Calls the decoder of `name`; true when it accepted the bytes.
bool Decode(const std::string& name, std::string_view bytes) {
  if (name.starts_with("VersionedLogEntry")) return DecodeEntry(bytes).has_value();
  if (name == "ProposalBatch") return DecodeProposalBatch(bytes).has_value();
  if (name == "RaftHardState") return DecodeHardState(bytes).has_value();
  if (name == "SnapshotMetadata") return DecodeSnapshotMetadata(bytes).has_value();
  if (name == "GroupConfiguration") return DecodeConfiguration(bytes).has_value();
  return DecodeMessageBatch(bytes).has_value();
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

template <typename ProtoMessage>
std::string Reserialized(const std::string& bytes) {
  ProtoMessage message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message.SerializeAsString();
}

TEST(CodecTest, EveryRecordKeepsItsBytes) {
  std::string actual;
  for (const auto& [name, bytes] : AllRecords()) actual += name + " " + Hex(bytes) + "\n";
  const std::string path = std::string(SESHAT_TESTDATA_DIR) + "/golden_codecs.txt";
  if (std::getenv("SESHAT_REWRITE") != nullptr) std::ofstream(path) << actual;

  std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();

  EXPECT_EQ(actual, golden.str());
}

TEST(CodecTest, BytesByHandAreThoseOfTheGeneratedClasses) {
  const std::string entry = EncodeEntry(NormalEntry());
  const std::string batch = MessageBatch();

  EXPECT_EQ(Reserialized<v1::VersionedLogEntry>(entry), entry);
  EXPECT_EQ(Reserialized<v1::ProposalBatch>(*NormalEntry().data), *NormalEntry().data);
  EXPECT_EQ(Reserialized<v1::RaftMessageBatch>(batch), batch);
  EXPECT_EQ(entry.size(), EncodedEntrySize(NormalEntry()));
}

TEST(CodecTest, AnEntryComesBackAsItWas) {
  const Result<Entry> entry = DecodeEntry(EncodeEntry(NormalEntry()));

  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->term, Term(7));
  EXPECT_EQ(entry->index, LogIndex(300));
  EXPECT_EQ(entry->type, EntryType::kNormal);
  EXPECT_EQ(*entry->data, *NormalEntry().data);
}

TEST(CodecTest, AConfigEntryComesWithItsConfiguration) {
  const Result<Entry> entry = DecodeEntry(EncodeEntry(ConfigEntry()));

  ASSERT_TRUE(entry);
  ASSERT_TRUE(entry->configuration);
  EXPECT_EQ(*entry->configuration, JointConfiguration());
}

TEST(CodecTest, ABatchKeepsItsCommandsInOrderEmptyOnesToo) {
  const Payload data = NormalEntry().data;

  const Result<ProposalBatchView> batch = DecodeProposalBatch(*data);

  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->stamp, UnixMillis{1'700'000'000'123});
  EXPECT_EQ(batch->commands, (std::vector<std::string_view>{"SET k v", "", "GET k"}));
}

TEST(CodecTest, AMessageKeepsEveryField) {
  const Result<std::vector<GroupMessage>> decoded = DecodeMessageBatch(MessageBatch());

  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->size(), 2u);
  EXPECT_EQ((*decoded)[0].group, kSystemGroup);
  EXPECT_EQ((*decoded)[1].group, kFirstDataGroup);
  MessageBatchWriter again;
  for (const GroupMessage& item : *decoded) again.Add(item.group, item.message);
  EXPECT_EQ(again.Take(), MessageBatch());
}

TEST(CodecTest, HardStateRoundsAPromiseUpAndAMessageRoundsItDown) {
  HardState state;
  state.promise = std::chrono::microseconds(1500);
  Message message;
  message.promise = std::chrono::microseconds(1500);
  MessageBatchWriter writer;
  writer.Add(kSystemGroup, message);

  EXPECT_EQ(DecodeHardState(EncodeHardState(state))->promise, std::chrono::milliseconds(2));
  EXPECT_EQ(DecodeMessageBatch(writer.Take())->front().message.promise,
            std::chrono::milliseconds(1));
}

TEST(CodecTest, ANewerVersionIsRefusedByName) {
  v1::VersionedLogEntry newer;
  newer.set_version(2);
  newer.set_index(1);
  newer.set_entry_type(v1::LOG_ENTRY_TYPE_NORMAL);

  const Result<Entry> entry = DecodeEntry(newer.SerializeAsString());

  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(entry.error().message(), "VersionedLogEntry has version 2; this release reads up to 1");
}

TEST(CodecTest, EmptyBytesAreNoRecord) {
  for (const auto& [name, bytes] : AllRecords()) EXPECT_FALSE(Decode(name, "")) << name;
}

TEST(CodecTest, CutBytesNeverCrashADecoder) {
  for (const auto& [name, bytes] : AllRecords()) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);  // its own allocation: sanitizers see overruns
      Decode(name, cut);
    }
  }
}

TEST(CodecTest, MutatedBytesNeverCrashADecoder) {
  Random random(1);
  for (const auto& [name, bytes] : AllRecords()) {
    for (int round = 0; round < 20'000; ++round) {
      std::string mutated = bytes;
      for (std::uint64_t flips = 1 + random.Below(4); flips > 0; --flips) {
        mutated[random.Below(mutated.size())] = static_cast<char>(random.Next());
      }
      if (random.Chance(1, 4)) mutated.resize(random.Below(mutated.size() + 1));
      if (random.Chance(1, 8)) mutated.insert(random.Below(mutated.size() + 1), 3, '\xff');
      Decode(name, mutated);
    }
  }
}

}  // namespace
}  // namespace seshat
