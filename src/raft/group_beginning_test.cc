#include "seshat/raft/group_beginning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "entry_codec.h"
#include "seshat/base/check.h"
#include "seshat/raft/group_audit.h"
#include "state_codec.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Record(std::uint64_t index, std::uint64_t term,
                   const std::vector<std::string_view>& commands) {
  Entry entry;
  entry.index = LogIndex(index);
  entry.term = Term(term);
  entry.type = commands.empty() ? EntryType::kNoop : EntryType::kNormal;
  if (!commands.empty()) entry.data = EncodeProposalBatch(UnixMillis{5}, commands);
  return EncodeEntry(entry);
}

// A group's rows and records; for reading alone.
class ReadOnlyLog final : public LogStore {
 public:
  std::vector<GroupId> Groups() const override { return {kFirstDataGroup}; }
  Status CreateGroup(GroupId, std::string) override { return NotHere(); }
  Result<LogContents> Load(GroupId) override { return contents; }
  Result<std::vector<LogRecord>> Read(GroupId, LogIndex first, LogIndex end, std::size_t) override {
    std::vector<LogRecord> read;
    // Two at a time: more than one round.
    for (const LogRecord& record : records) {
      if (record.index >= first && record.index < end && read.size() < 2) read.push_back(record);
    }
    return read;
  }
  void Write(LogWrite, UniqueFunction<void()>) override { SESHAT_CHECK(false); }
  void RemoveCompacted(GroupId) override { SESHAT_CHECK(false); }

  LogContents contents;
  std::vector<LogRecord> records;

 private:
  static std::unexpected<Error> NotHere() { return MakeError(ErrorCode::kInvalidArgument, "no"); }
};

// Keeps what it is given.
class RecordingMachine final : public StateMachine {
 public:
  LogIndex AppliedIndex() const override { return applied; }
  UnixMillis GroupClock() const override { return {}; }
  Status Apply(std::vector<CommittedEntry> entries) override {
    for (const CommittedEntry& entry : entries) {
      EXPECT_EQ(entry.index, applied.Next());
      EXPECT_THAT(entry.waiters, IsEmpty());
      applied = entry.index;
      for (const std::string_view command : entry.commands) commands.emplace_back(command);
    }
    return {};
  }
  Status Reopen() override { return {}; }
  Result<StateFacts> Describe(const StateView&) const override { return StateFacts(); }
  std::unique_ptr<StateAudit> NewAudit() const override { return nullptr; }

  LogIndex applied;
  std::vector<std::string> commands;
};

class ReplayLogTest : public testing::Test {
 protected:
  // Entries 11 to 15 behind a snapshot of entry 10; committed as far as 12 is known.
  ReplayLogTest() {
    SnapshotDescriptor snapshot;
    snapshot.index = LogIndex(10);
    snapshot.term = Term(2);
    snapshot.configuration.voters = {NodeId(1), NodeId(2), NodeId(3)};
    log_.contents.snapshot_row = EncodeSnapshotMetadata(snapshot, UnixMillis{1});
    log_.contents.state_row =
        EncodeHardState({.term = Term(6), .vote = NodeId(3), .commit = LogIndex(12)});
    log_.contents.first_index = LogIndex(11);
    log_.contents.last_index = LogIndex(15);
    log_.records = {{LogIndex(11), Record(11, 3, {})},
                    {LogIndex(12), Record(12, 3, {"a", "b"})},
                    {LogIndex(13), Record(13, 4, {"c"})},
                    {LogIndex(14), Record(14, 4, {"d"})},
                    {LogIndex(15), Record(15, 5, {"e"})}};
    machine_.applied = LogIndex(12);
  }

  ReadOnlyLog log_;
  RecordingMachine machine_;
};

TEST_F(ReplayLogTest, EverythingBehindWhatIsAppliedIsAppliedCommittedOrNot) {
  const Result<Term> highest = ReplayLog(kFirstDataGroup, log_, machine_);

  ASSERT_TRUE(highest) << highest.error().message();
  EXPECT_EQ(*highest, Term(6));
  EXPECT_EQ(machine_.applied, LogIndex(15));
  EXPECT_THAT(machine_.commands, ElementsAre("c", "d", "e"));
}

TEST_F(ReplayLogTest, WhereAllIsAppliedNothingIs) {
  machine_.applied = LogIndex(15);

  ASSERT_TRUE(ReplayLog(kFirstDataGroup, log_, machine_));

  EXPECT_THAT(machine_.commands, IsEmpty());
}

TEST_F(ReplayLogTest, ALogThatDoesNotFitWhatIsAppliedIsRefused) {
  machine_.applied = LogIndex(16);
  EXPECT_EQ(ReplayLog(kFirstDataGroup, log_, machine_).error().code(), ErrorCode::kCorruption);
  machine_.applied = LogIndex(9);
  EXPECT_EQ(ReplayLog(kFirstDataGroup, log_, machine_).error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(machine_.commands, IsEmpty());
}

TEST_F(ReplayLogTest, ADamagedRecordIsNamedBeforeAnythingIsApplied) {
  log_.records.back().value.back() ^= 1;
  log_.records.back().value.pop_back();

  const Result<Term> highest = ReplayLog(kFirstDataGroup, log_, machine_);

  ASSERT_FALSE(highest);
  EXPECT_THAT(highest.error().message(), HasSubstr("log record 15"));
  EXPECT_THAT(machine_.commands, IsEmpty());
}

TEST(GroupBeginningTest, ItCountsAsAnEntryOfATermThatNobodyLed) {
  Configuration members;
  members.voters = {NodeId(4), NodeId(5)};

  const GroupBeginning beginning = BeginBehind(LogIndex(15), Term(6), members, UnixMillis{9});

  EXPECT_EQ(beginning.index, LogIndex(16));
  EXPECT_EQ(beginning.term, Term(7));
  EXPECT_EQ(beginning.FirstIndex(), LogIndex(17));
  const Result<SnapshotDescriptor> snapshot = DecodeSnapshotMetadata(beginning.snapshot_row);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(*snapshot,
            (SnapshotDescriptor{.index = LogIndex(16), .term = Term(7), .configuration = members}));
  const Result<HardState> state = DecodeHardState(beginning.state_row);
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, (HardState{.term = Term(7), .vote = kNoNode, .commit = LogIndex(16)}));
}

TEST(GroupBeginningTest, AGroupThatBeginsSoIsSound) {
  Configuration members;
  members.voters = {NodeId(4)};
  const GroupBeginning beginning = BeginBehind(LogIndex(15), Term(6), members, UnixMillis{9});
  LogContents contents;
  contents.snapshot_row = beginning.snapshot_row;
  contents.state_row = beginning.state_row;
  contents.first_index = beginning.FirstIndex();
  contents.last_index = beginning.index;

  GroupAudit audit(kFirstDataGroup, contents);
  audit.Finish({{.index = beginning.index, .term = beginning.term}});

  EXPECT_THAT(audit.problems(), IsEmpty());
}

}  // namespace
}  // namespace seshat
