#include "seshat/service/state_inspection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "seshat/commands/data_command.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/row_digest.h"
#include "seshat/commands/stored_value.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr UnixMillis kLater{1'800'000'000'000};

// A group's rows, in order.
class Rows : public StateView {
 public:
  void Put(std::string_view key, std::optional<UnixMillis> expires_at = std::nullopt) {
    const std::string row_key = DataRowKey(key);
    const std::string bytes = EncodeValue({.revision = Revision(1),
                                           .data = "value",
                                           .created_at = UnixMillis{1},
                                           .expires_at = expires_at});
    rows[row_key] = bytes;
    ++applied.key_count;
    *applied.digest += HashRow(row_key, bytes);
  }
  void PutApplied() { rows[std::string(kAppliedRowKey)] = EncodeAppliedState(applied); }

  Result<Lookup> Get(std::string_view, ReadTier) const override { return Lookup{}; }
  Status Scan(std::string_view, std::string_view,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    for (const auto& [key, value] : rows) visit(key, value);
    return {};
  }

  std::map<std::string, std::string> rows;
  AppliedState applied{.index = LogIndex(9), .term = Term(2)};
};

Rows SoundRows() {
  Rows rows;
  rows.Put("a");
  rows.Put("b", kLater);
  const Slot slot = ParseDataRowKey(DataRowKey("b"))->slot;
  rows.rows[ExpiryRowKey(slot, kLater, "b")] = "";
  rows.PutApplied();
  return rows;
}

TEST(StateInspectionTest, SoundRowsAreCountedAndHaveNoProblem) {
  const Rows rows = SoundRows();

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  ASSERT_TRUE(state);
  EXPECT_THAT(state->problems, IsEmpty());
  EXPECT_EQ(state->key_count, 2);
  EXPECT_EQ(state->digest, rows.applied.digest);
  EXPECT_EQ(state->applied, rows.applied);
}

TEST(StateInspectionTest, AGroupThatAppliedNothingIsSound) {
  const Result<InspectedState> state = InspectState(kFirstDataGroup, Rows());

  ASSERT_TRUE(state);
  EXPECT_THAT(state->problems, IsEmpty());
  EXPECT_EQ(state->applied, AppliedState{});
}

TEST(StateInspectionTest, ARowThatIsGoneShowsInCountAndDigest) {
  Rows rows = SoundRows();
  rows.rows.erase(DataRowKey("a"));

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  EXPECT_THAT(state->problems,
              ElementsAre(HasSubstr("tells of 2 keys, there are 1"), HasSubstr("has the digest")));
}

TEST(StateInspectionTest, AnotherValueShowsInTheDigest) {
  Rows rows = SoundRows();
  rows.rows[DataRowKey("a")] = EncodeValue({.revision = Revision(1), .data = "other"});

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  EXPECT_THAT(state->problems, ElementsAre(HasSubstr("has the digest")));
}

TEST(StateInspectionTest, ExpiryRowsMustBeThoseOfTheValues) {
  Rows rows = SoundRows();
  const Slot slot = ParseDataRowKey(DataRowKey("b"))->slot;
  rows.rows.erase(ExpiryRowKey(slot, kLater, "b"));
  rows.rows[ExpiryRowKey(slot, UnixMillis{7}, "b")] = "";

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  EXPECT_THAT(state->problems, ElementsAre(HasSubstr("expiry rows")));
}

TEST(StateInspectionTest, ARowThatDoesNotDecodeIsNamed) {
  Rows rows = SoundRows();
  const std::string key = DataRowKey("a");
  *rows.applied.digest += HashRow(key, "\xff") - HashRow(key, rows.rows[key]);
  rows.rows[key] = "\xff";
  rows.PutApplied();

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  EXPECT_THAT(state->problems, ElementsAre(HasSubstr(PrintableKey(key))));
}

TEST(StateInspectionTest, KeysWithoutTheRowAppliedAreAProblem) {
  Rows rows = SoundRows();
  rows.rows.erase(std::string(kAppliedRowKey));

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  EXPECT_THAT(state->problems, testing::Contains(HasSubstr("row applied is missing")));
}

TEST(StateInspectionTest, ProblemsAreBoundedAndTheRestIsCounted) {
  Rows rows;
  for (int i = 0; i < 100; ++i) rows.rows[DataRowKey("key" + std::to_string(i))] = "\xff";
  rows.applied.key_count = 100;
  rows.PutApplied();

  const Result<InspectedState> state = InspectState(kFirstDataGroup, rows);

  ASSERT_EQ(state->problems.size(), 21);
  EXPECT_THAT(state->problems.back(), HasSubstr("81 more of this kind"));
}

TEST(StateInspectionTest, ADamagedRowOfTheSystemGroupIsNamed) {
  Rows rows;
  rows.rows["membership"] = "\xff";
  rows.PutApplied();

  const Result<InspectedState> state = InspectState(kSystemGroup, rows);

  EXPECT_THAT(state->problems, ElementsAre(HasSubstr("row membership")));
}

TEST(StateInspectionTest, AClientsCommandHasItsNameAndKeys) {
  const std::vector<std::string_view> arguments{"mset", "a", "1", "b", "2"};

  const Result<InspectedCommand> command =
      InspectCommand(kFirstDataGroup, EncodeClientCommand(arguments));

  ASSERT_TRUE(command);
  EXPECT_EQ(command->name, "MSET");
  EXPECT_THAT(command->keys, ElementsAre("a", "b"));
  EXPECT_THAT(command->arguments, ElementsAre("mset", "a", "1", "b", "2"));
}

TEST(StateInspectionTest, CommandsThatNoClientSentHaveTheirKind) {
  const ExpiringKey key{.key = "k", .expires_at = kLater, .revision = Revision(1)};
  const Result<InspectedCommand> expire =
      InspectCommand(kFirstDataGroup, EncodeExpireKeys({&key, 1}));
  const Result<InspectedCommand> report = InspectCommand(kSystemGroup, EncodeReportState({}));

  EXPECT_EQ(expire->name, "(expire)");
  EXPECT_THAT(expire->keys, ElementsAre("k"));
  EXPECT_EQ(InspectCommand(kFirstDataGroup, EncodeMarkState())->name, "(mark)");
  EXPECT_EQ(report->name, "(report)");
  EXPECT_FALSE(InspectCommand(kSystemGroup, "\xff"));
  EXPECT_FALSE(InspectCommand(kFirstDataGroup, "\xff"));
}

}  // namespace
}  // namespace seshat
