// How other implementations broke: the numbers are those of the list in docs/testing.md.
// Traps 3, 7 and 11 belong to membership changes and snapshots; 9 and 10 to the driver.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

Message MessageOf(MessageType type, std::uint64_t from, std::uint64_t to, std::uint64_t term) {
  Message message;
  message.type = type;
  message.from = NodeId(from);
  message.to = NodeId(to);
  message.term = Term(term);
  return message;
}

Message AppendOf(std::uint64_t term, std::uint64_t previous, std::uint64_t previous_term,
                 std::vector<Entry> entries, std::uint64_t commit = 0) {
  Message message = MessageOf(MessageType::kAppendRequest, 1, 2, term);
  message.log_index = LogIndex(previous);
  message.log_term = Term(previous_term);
  message.entries = std::move(entries);
  message.commit = LogIndex(commit);
  return message;
}

const Message* LastOf(const std::vector<Message>& sent, MessageType type) {
  const auto at = std::ranges::find(sent.rbegin(), sent.rend(), type, &Message::type);
  return at == sent.rend() ? nullptr : &*at;
}

TEST(TrapsTest, Trap1ARetransmittedAppendFromBeforeTheSnapshotAcknowledgesNothingItLacks) {
  CoreHarness group(3);
  group.Crash(2);
  HarnessNode& node = group.node(2);
  node.disk.hard_state.term = Term(2);
  node.disk.snapshot.index = LogIndex(10);
  node.disk.snapshot.term = Term(2);
  node.applied = LogIndex(10);
  group.Restart(2);
  group.sent().clear();

  // Entries 6 to 8, from before the snapshot; then 9 to 12 that reach beyond it.
  group.Step(AppendOf(2, 5, 1, {MakeEntry(1, 6), MakeEntry(1, 7), MakeEntry(2, 8)}));
  ASSERT_NE(LastOf(group.sent(), MessageType::kAppendResponse), nullptr);
  EXPECT_EQ(LastOf(group.sent(), MessageType::kAppendResponse)->log_index, LogIndex(10));
  EXPECT_EQ(group.core(2).GetStatus().last_index, LogIndex(10));

  group.Step(AppendOf(2, 8, 2, {MakeEntry(2, 9), MakeEntry(2, 10), MakeEntry(2, 11)}));
  EXPECT_EQ(LastOf(group.sent(), MessageType::kAppendResponse)->log_index, LogIndex(11));
  EXPECT_EQ(node.disk.last(), LogIndex(11));
}

TEST(TrapsTest, Trap1AnEmptyAppendAcknowledgesOnlyWhatAgreesWithThisLeader) {
  CoreHarness group(3);
  group.Step(AppendOf(1, 0, 0, {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)}));
  group.sent().clear();

  // A new leader of term 2 asks about entry 1 only: 2 and 3 may not be in its log.
  Message probe = AppendOf(2, 1, 1, {});
  probe.from = NodeId(3);
  group.Step(probe);

  EXPECT_EQ(LastOf(group.sent(), MessageType::kAppendResponse)->log_index, LogIndex(1));
}

TEST(TrapsTest, Trap2AVoterThatDoesNotKnowOfItsPromotionVotes) {
  Configuration old_one = CoreHarness::Voters(1);
  old_one.learners = {NodeId(2)};
  CoreHarness group(old_one, {NodeId(1), NodeId(2)});
  group.Crash(1);

  // Candidate 3 is not even known here.
  Message request = MessageOf(MessageType::kVoteRequest, 3, 2, 4);
  group.Step(request);

  ASSERT_NE(LastOf(group.sent(), MessageType::kVoteResponse), nullptr);
  EXPECT_FALSE(LastOf(group.sent(), MessageType::kVoteResponse)->reject);
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

TEST(TrapsTest, Trap4AnAnswerToAStaleLeaderNeverLooksLikeSuccess) {
  CoreHarness group(3);
  group.Step(AppendOf(5, 0, 0, {MakeEntry(5, 1)}));
  group.sent().clear();

  group.Step(AppendOf(3, 0, 0, {MakeEntry(3, 1)}));
  group.Step(MessageOf(MessageType::kHeartbeatRequest, 1, 2, 3));

  ASSERT_EQ(group.sent().size(), 2u);
  for (const Message& answer : group.sent()) {
    EXPECT_EQ(answer.type, MessageType::kAppendResponse);
    EXPECT_TRUE(answer.reject);
    EXPECT_EQ(answer.term, Term(5));
  }
}

TEST(TrapsTest, Trap4AStaleRefusalDoesNotStallAFollower) {
  CoreHarness group(3);
  group.Elect(1);
  group.Propose(1, "a");
  group.Settle();
  Message refusal = MessageOf(MessageType::kAppendResponse, 2, 1, 1);
  refusal.reject = true;
  refusal.log_index = LogIndex(1);

  group.Step(refusal);
  group.Step(refusal);
  const LogIndex last = group.Propose(1, "b");
  group.Settle();

  EXPECT_EQ(group.node(2).disk.last(), last);
}

TEST(TrapsTest, Trap5AHigherTermWithAShorterLogDoesNotDeadlockThePreVote) {
  CoreHarness group(3);
  group.Crash(1);
  group.Crash(2);
  group.Crash(3);
  group.node(1).disk.hard_state.term = Term(7);  // ran often, alone; its log is empty
  group.node(2).disk.hard_state.term = Term(1);
  group.node(2).disk.entries = {MakeEntry(1, 1, "a"), MakeEntry(1, 2, "b")};
  group.Restart(1);
  group.Restart(2);

  group.AdvanceMs(5000);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{2});
  EXPECT_GT(group.core(2).term(), Term(7));
}

TEST(TrapsTest, Trap5ALeaderThatHearsAHigherTermFromAStuckNodeMakesRoomForIt) {
  CoreHarness group(3);
  group.Elect(1);
  group.Crash(3);
  group.node(3).disk.hard_state.term = Term(9);
  group.Restart(3);

  group.AdvanceMs(3000);

  ASSERT_EQ(group.Leaders().size(), 1u);
  EXPECT_GT(group.core(group.Leaders().front()).term(), Term(9));
  EXPECT_EQ(group.core(3).leader(), NodeId(group.Leaders().front()));
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

TEST(TrapsTest, Trap12ARemovedNodeWithAHighTermDisturbsNobody) {
  CoreHarness group(4);
  Configuration without_4 = CoreHarness::Voters(3);
  for (auto& [id, node] : group.nodes()) {
    group.Crash(id.value());
    if (id == NodeId(4)) continue;
    node.disk.entries = {MakeConfigEntry(1, 1, without_4)};
    node.disk.hard_state = {.term = Term(1), .vote = kNoNode, .commit = LogIndex(1)};
    group.Restart(id.value());
  }
  group.Freeze(milliseconds(500));
  group.Elect(1);
  const Term term = group.core(1).term();
  group.node(4).disk.hard_state.term = Term(40);

  group.Restart(4);
  group.AdvanceMs(6000);
  Message request = MessageOf(MessageType::kVoteRequest, 4, 1, 60);
  group.Step(request);
  request.to = NodeId(2);
  group.Step(request);
  group.AdvanceMs(1000);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(group.core(1).term(), term);
}

TEST(TrapsTest, Trap13ANodeThatComesBackDoesNotVoteTwiceInATerm) {
  CoreHarness group(3);
  group.Step(MessageOf(MessageType::kVoteRequest, 3, 2, 5));
  ASSERT_EQ(group.node(2).disk.hard_state.vote, NodeId(3));

  group.Restart(2);
  group.Freeze(milliseconds(600));
  group.sent().clear();
  Message request = MessageOf(MessageType::kVoteRequest, 1, 2, 5);
  request.log_index = LogIndex(9);
  request.log_term = Term(4);
  group.Step(request);

  EXPECT_TRUE(LastOf(group.sent(), MessageType::kVoteResponse)->reject);
}

TEST(TrapsTest, Trap14AnEntryIsApplicableOnlyOnceItIsInTheLocalDurableLog) {
  CoreHarness group(3);
  group.HoldDisk(2);

  group.Step(AppendOf(1, 0, 0, {MakeEntry(1, 1), MakeEntry(1, 2)}, 2));
  EXPECT_EQ(group.core(2).commit_index(), LogIndex(2));
  EXPECT_EQ(group.core(2).ApplicableIndex(), LogIndex(0));

  group.ReleaseDisk(2);
  EXPECT_EQ(group.core(2).ApplicableIndex(), LogIndex(2));
}

TEST(TrapsTest, ATruncationUnderAWriteInFlightIsNotAcknowledgedAsHeld) {
  CoreHarness group(3);
  group.HoldDisk(2);
  group.Step(AppendOf(1, 0, 0, {MakeEntry(1, 1), MakeEntry(1, 2), MakeEntry(1, 3)}));
  Message overwrite = AppendOf(2, 1, 1, {MakeEntry(2, 2)});
  overwrite.from = NodeId(3);
  group.Step(overwrite);
  group.sent().clear();

  group.FinishOneWrite(2);  // entries 1 to 3 of term 1
  for (const Message& m : group.sent()) {
    EXPECT_TRUE(m.type != MessageType::kAppendResponse || m.log_index <= LogIndex(1));
  }
  EXPECT_EQ(group.core(2).GetStatus().durable_index, LogIndex(1));

  group.ReleaseDisk(2);
  EXPECT_EQ(LastOf(group.sent(), MessageType::kAppendResponse)->log_index, LogIndex(2));
  EXPECT_EQ(LastOf(group.sent(), MessageType::kAppendResponse)->to, NodeId(3));
}

}  // namespace
}  // namespace seshat
