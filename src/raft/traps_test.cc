// How other implementations broke, where configuration entries are at work: the numbers are those
// of the list in docs/testing.md. The other traps of the core are stories in
// sim/testdata/scenarios.
#include <gtest/gtest.h>

#include "core_harness.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

Message AppendOf(std::uint64_t term, std::uint64_t previous, std::uint64_t previous_term,
                 std::vector<Entry> entries, std::uint64_t commit = 0) {
  Message message;
  message.type = MessageType::kAppendRequest;
  message.from = NodeId(1);
  message.to = NodeId(2);
  message.term = Term(term);
  message.log_index = LogIndex(previous);
  message.log_term = Term(previous_term);
  message.entries = std::move(entries);
  message.commit = LogIndex(commit);
  return message;
}

TEST(TrapsTest, Trap2ANodeThatAnUncommittedConfigurationLeavesOutMayStillBeNeeded) {
  CoreHarness group(3);
  Configuration without_1;
  without_1.voters = {NodeId(2), NodeId(3)};
  group.Crash(1);
  group.node(1).disk.entries = {MakeConfigEntry(1, 1, without_1)};
  group.node(1).disk.hard_state.term = Term(1);
  group.Restart(1);
  group.Freeze(milliseconds(500));

  group.core(1).Campaign(group.Now(1));
  group.Settle();

  EXPECT_EQ(group.core(2).GetStatus().configuration, without_1);
  EXPECT_GE(group.core(1).commit_index(), LogIndex(1)) << "it led until this was committed";
  EXPECT_EQ(group.core(1).role(), Role::kLearner);
  EXPECT_EQ(group.core(1).NextDeadline(), kNever) << "and then never runs again";
  group.AdvanceMs(3000);
  EXPECT_EQ(group.Leaders().size(), 1u);
}

TEST(TrapsTest, Trap6AConfigurationTakesEffectAtItsOwnIndexAndRollsBackWithIt) {
  CoreHarness group(3);
  const Configuration original = CoreHarness::Voters(3);
  Configuration second = CoreHarness::Voters(4);
  Configuration third = CoreHarness::Voters(5);
  group.Step(AppendOf(1, 0, 0,
                      {MakeEntry(1, 1), MakeConfigEntry(1, 2, second), MakeEntry(1, 3),
                       MakeConfigEntry(1, 4, third), MakeEntry(1, 5)},
                      1));
  EXPECT_EQ(group.core(2).GetStatus().configuration, third);

  Message overwrite = AppendOf(2, 3, 1, {MakeEntry(2, 4)});
  group.Step(overwrite);
  EXPECT_EQ(group.core(2).GetStatus().configuration, second);

  overwrite = AppendOf(3, 1, 1, {MakeEntry(3, 2)});
  group.Step(overwrite);
  EXPECT_EQ(group.core(2).GetStatus().configuration, original);

  group.Restart(2);
  EXPECT_EQ(group.core(2).GetStatus().configuration, original);
}

TEST(TrapsTest, Trap6AConfigurationFoundOnDiskIsInForce) {
  CoreHarness group(3);
  Configuration without_2;
  without_2.voters = {NodeId(1), NodeId(3)};
  without_2.learners = {NodeId(2)};
  group.Step(AppendOf(1, 0, 0, {MakeConfigEntry(1, 1, without_2)}, 1));

  group.Restart(2);

  EXPECT_EQ(group.core(2).GetStatus().configuration, without_2);
  EXPECT_EQ(group.core(2).role(), Role::kLearner);
}

}  // namespace
}  // namespace seshat
