#include "seshat/raft/group_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entry_codec.h"
#include "state_codec.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Record(std::uint64_t index, std::uint64_t term, EntryType type = EntryType::kNormal) {
  Entry entry;
  entry.index = LogIndex(index);
  entry.term = Term(term);
  entry.type = type;
  const std::vector<std::string_view> commands{"one", "two"};
  if (type == EntryType::kNormal) entry.data = EncodeProposalBatch(UnixMillis{5}, commands);
  return EncodeEntry(entry);
}

// A log that begins behind entry 10 of term 2.
LogContents Contents(std::uint64_t last) {
  SnapshotDescriptor snapshot;
  snapshot.index = LogIndex(10);
  snapshot.term = Term(2);
  snapshot.configuration.voters = {NodeId(1)};
  LogContents contents;
  contents.state_row =
      EncodeHardState({.term = Term(4), .vote = NodeId(1), .commit = LogIndex(11)});
  contents.snapshot_row = EncodeSnapshotMetadata(snapshot, UnixMillis{1});
  contents.first_index = LogIndex(11);
  contents.last_index = LogIndex(last);
  return contents;
}

TEST(GroupAuditTest, SoundRowsAndRecordsAreShown) {
  GroupAudit audit(kFirstDataGroup, Contents(12));

  const std::string record = Record(12, 4);
  audit.Add(LogIndex(11), Record(11, 3, EntryType::kNoop));
  const std::optional<AuditedEntry> entry = audit.Add(LogIndex(12), record);
  audit.Finish({{.index = LogIndex(11), .term = Term(3)}});

  EXPECT_THAT(audit.problems(), IsEmpty());
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->stamp, UnixMillis{5});
  EXPECT_THAT(entry->commands, ElementsAre("one", "two"));
  EXPECT_EQ(audit.hard_state()->vote, NodeId(1));
  EXPECT_EQ(audit.snapshot()->term, Term(2));
  EXPECT_EQ(audit.records(), 2);
  EXPECT_EQ(audit.last_index(), LogIndex(12));
}

TEST(GroupAuditTest, AnEmptyLogIsSound) {
  LogContents contents;
  contents.snapshot_row = EncodeSnapshotMetadata(SnapshotDescriptor{}, UnixMillis{1});
  GroupAudit audit(kFirstDataGroup, contents);

  audit.Finish({{.index = LogIndex(0), .term = Term(0)}});

  EXPECT_FALSE(audit.hard_state());
  EXPECT_THAT(audit.problems(), IsEmpty());
}

TEST(GroupAuditTest, GapsAndRecordsOfOtherPlacesAreNamedAndTheRestShown) {
  GroupAudit audit(kFirstDataGroup, Contents(16));

  audit.Add(LogIndex(12), Record(12, 3));
  EXPECT_FALSE(audit.Add(LogIndex(13), Record(99, 3)));
  EXPECT_FALSE(audit.Add(LogIndex(14), "\xff"));
  EXPECT_TRUE(audit.Add(LogIndex(16), Record(16, 2)));
  audit.Finish(std::nullopt);

  EXPECT_THAT(audit.problems(),
              ElementsAre(HasSubstr("log record 11 is missing"),
                          HasSubstr("log record 13: the record holds another entry"),
                          HasSubstr("log record 14: "), HasSubstr("log record 15 is missing"),
                          HasSubstr("log record 16: its term 2 follows term 3")));
}

TEST(GroupAuditTest, ABatchThatDoesNotDecodeIsNamed) {
  Entry entry;
  entry.index = LogIndex(11);
  entry.term = Term(3);
  entry.data = std::make_shared<const std::string>("\xff");
  GroupAudit audit(kFirstDataGroup, Contents(11));

  EXPECT_FALSE(audit.Add(LogIndex(11), EncodeEntry(entry)));

  EXPECT_THAT(audit.problems(), ElementsAre(HasSubstr("group 1, log record 11: ")));
}

TEST(GroupAuditTest, WhatIsAppliedMustFitTheLog) {
  const auto problems = [](std::uint64_t index, std::uint64_t term) {
    GroupAudit audit(kFirstDataGroup, Contents(12));
    audit.Add(LogIndex(11), Record(11, 3));
    audit.Add(LogIndex(12), Record(12, 4));
    audit.Finish({{.index = LogIndex(index), .term = Term(term)}});
    return audit.problems();
  };

  EXPECT_THAT(problems(10, 2), IsEmpty());
  EXPECT_THAT(problems(12, 4), IsEmpty());
  EXPECT_THAT(problems(13, 4), ElementsAre(HasSubstr("entry 13 is applied, but the log ends")));
  EXPECT_THAT(problems(9, 2), ElementsAre(HasSubstr("the log begins after entry 10")));
  EXPECT_THAT(problems(11, 4), ElementsAre(HasSubstr("entry 11 was applied as one of term 4")));
}

TEST(GroupAuditTest, WhatStopsAStartIsAProblem) {
  LogContents contents = Contents(11);
  contents.state_row = EncodeHardState({.term = Term(2), .vote = kNoNode, .commit = LogIndex(12)});
  GroupAudit audit(kFirstDataGroup, contents);
  audit.Add(LogIndex(11), Record(11, 3));

  audit.Finish(std::nullopt);

  EXPECT_THAT(audit.problems(),
              ElementsAre(HasSubstr("entry 12 is committed"), HasSubstr("the log holds term 3")));
}

TEST(GroupAuditTest, DamagedRowsAreNamed) {
  LogContents contents = Contents(10);
  contents.state_row = "\xff";
  contents.snapshot_row = "\xff";
  GroupAudit audit(kFirstDataGroup, contents);

  EXPECT_FALSE(audit.hard_state());
  EXPECT_FALSE(audit.snapshot());
  EXPECT_THAT(audit.problems(),
              ElementsAre(HasSubstr("group 1, row state"), HasSubstr("group 1, row snapshot")));
}

TEST(GroupAuditTest, ProblemsAreBoundedAndTheRestIsCounted) {
  GroupAudit audit(kFirstDataGroup, Contents(100));
  for (std::uint64_t index = 11; index <= 100; ++index) audit.Add(LogIndex(index), "\xff");

  audit.Finish(std::nullopt);

  ASSERT_EQ(audit.problems().size(), 21);
  EXPECT_THAT(audit.problems().back(), HasSubstr("70 more"));
}

}  // namespace
}  // namespace seshat
