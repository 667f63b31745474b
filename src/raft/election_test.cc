// Elections: groups of every size, split votes, disturbance, and what a restarted node may do.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

Message VoteRequest(MessageType type, std::uint64_t from, std::uint64_t to, std::uint64_t term,
                    std::uint64_t last_index, std::uint64_t last_term) {
  Message message;
  message.type = type;
  message.from = NodeId(from);
  message.to = NodeId(to);
  message.term = Term(term);
  message.log_index = LogIndex(last_index);
  message.log_term = Term(last_term);
  return message;
}

const Message* LastOf(const std::vector<Message>& sent, MessageType type) {
  const auto at = std::ranges::find(sent.rbegin(), sent.rend(), type, &Message::type);
  return at == sent.rend() ? nullptr : &*at;
}

class GroupSizeTest : public testing::TestWithParam<std::size_t> {};

TEST_P(GroupSizeTest, ElectsOneLeaderReplicatesAndReads) {
  CoreHarness group(GetParam());

  group.AdvanceMs(3000);

  ASSERT_EQ(group.Leaders().size(), 1u);
  const std::uint64_t leader = group.Leaders().front();
  group.Propose(leader, "a");
  group.Settle();
  EXPECT_EQ(group.Applied(leader), std::vector<std::string>{"a"});
  ASSERT_TRUE(group.core(leader).RequestRead(7, group.Now(leader)));
  group.Settle();
  ASSERT_EQ(group.node(leader).reads.size(), 1u);
  EXPECT_EQ(group.node(leader).reads[0].index, group.core(leader).commit_index());
  group.AdvanceMs(200);
  for (auto& [id, node] : group.nodes()) EXPECT_EQ(group.Applied(id.value()).size(), 1u);
}

TEST_P(GroupSizeTest, SurvivesTheLossOfAnyMinorityAndNotMore) {
  CoreHarness group(GetParam());
  group.Elect(1);
  const std::uint64_t minority = (GetParam() - 1) / 2;

  for (std::uint64_t id = GetParam(); id > GetParam() - minority; --id) group.Crash(id);
  group.Propose(1, "with a majority");
  group.Settle();
  EXPECT_EQ(group.Applied(1).size(), 1u);

  if (GetParam() == 1) return;
  group.Crash(GetParam() - minority);
  group.Propose(1, "without");
  group.AdvanceMs(300);
  EXPECT_EQ(group.Applied(1).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, GroupSizeTest, testing::Values(1, 3, 5, 7));

TEST(ElectionTest, ASingleVoterLeadsAtOnceAndKeepsItsLogOverARestart) {
  CoreHarness group(1);
  group.Tick(1);
  ASSERT_EQ(group.core(1).role(), Role::kLeader);
  group.Propose(1, "a");
  group.Settle();

  group.Restart(1);
  group.Tick(1);

  EXPECT_EQ(group.core(1).role(), Role::kLeader);
  EXPECT_EQ(group.core(1).term(), Term(2));
  EXPECT_EQ(group.Applied(1), std::vector<std::string>{"a"});
}

TEST(ElectionTest, ADeadLeaderIsReplacedWithinTwoSeconds) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CoreHarness group(3, seed);
    group.Elect(1);
    group.AdvanceMs(500);

    group.Crash(1);
    group.AdvanceMs(2000);

    ASSERT_EQ(group.Leaders().size(), 1u) << "seed " << seed;
  }
}

TEST(ElectionTest, ASplitVoteIsResolvedByLaterTimeouts) {
  CoreHarness group(4);
  group.LoseIf([](const Message& m) { return m.from.value() % 2 != m.to.value() % 2; });
  group.core(1).Campaign(group.Now(1));
  group.core(2).Campaign(group.Now(2));
  group.Settle();
  ASSERT_TRUE(group.Leaders().empty());

  group.LoseNothing();
  group.AdvanceMs(4000);

  EXPECT_EQ(group.Leaders().size(), 1u);
}

TEST(ElectionTest, APreVoteChangesNobodysTerm) {
  CoreHarness group(3);
  group.Isolate(2);

  group.AdvanceMs(5000);

  EXPECT_EQ(group.core(2).term(), Term(0)) << "alone, it never gets past the pre-vote";
}

TEST(ElectionTest, ANodeThatWasCutOffDoesNotDisturbTheLeaderWhenItComesBack) {
  CoreHarness group(3);
  group.Elect(1);
  const Term term = group.core(1).term();
  group.Isolate(3);
  group.AdvanceMs(5000);

  group.LoseNothing();
  group.AdvanceMs(2000);

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
  EXPECT_EQ(group.core(1).term(), term);
  EXPECT_EQ(group.core(3).leader(), NodeId(1));
}

TEST(ElectionTest, ANodeThatHearsALeaderRefusesVotesAndIgnoresTheirTerm) {
  CoreHarness group(3);
  group.Elect(1);
  const Term term = group.core(2).term();
  group.sent().clear();

  group.Step(VoteRequest(MessageType::kVoteRequest, 3, 2, 9, 99, 9));
  group.Step(VoteRequest(MessageType::kPreVoteRequest, 3, 2, 9, 99, 9));

  EXPECT_EQ(group.core(2).term(), term);
  EXPECT_EQ(LastOf(group.sent(), MessageType::kVoteResponse), nullptr);
  ASSERT_NE(LastOf(group.sent(), MessageType::kPreVoteResponse), nullptr);
  EXPECT_TRUE(LastOf(group.sent(), MessageType::kPreVoteResponse)->reject);
}

TEST(ElectionTest, StickinessEndsWithTimeEvenIfTheLeaderIsStillKnown) {
  CoreHarness group(3);
  group.Elect(1);
  group.Freeze(milliseconds(500));

  group.Step(VoteRequest(MessageType::kVoteRequest, 3, 2, 9, 99, 9));

  ASSERT_NE(LastOf(group.sent(), MessageType::kVoteResponse), nullptr);
  EXPECT_FALSE(LastOf(group.sent(), MessageType::kVoteResponse)->reject);
  EXPECT_EQ(group.core(2).term(), Term(9));
}

TEST(ElectionTest, ACampaignAskedForByTheLeaderOverridesStickiness) {
  CoreHarness group(3);
  group.Elect(1);
  Message request = VoteRequest(MessageType::kVoteRequest, 3, 2, 9, 99, 9);
  request.transfer = true;

  group.Step(request);

  ASSERT_NE(LastOf(group.sent(), MessageType::kVoteResponse), nullptr);
  EXPECT_FALSE(LastOf(group.sent(), MessageType::kVoteResponse)->reject);
}

TEST(ElectionTest, ALeaderWithoutAQuorumStepsDown) {
  CoreHarness group(3);
  group.Elect(1);

  group.Isolate(1);
  group.AdvanceMs(1100);

  EXPECT_NE(group.core(1).role(), Role::kLeader);
  EXPECT_EQ(group.core(1).Propose(nullptr, group.Now(1)).error().code(), ErrorCode::kUnavailable);
}

TEST(ElectionTest, ALeaderThatHearsAMajorityStays) {
  CoreHarness group(5);
  group.Elect(1);

  group.LoseIf([](const Message& m) { return m.from.value() > 3 || m.to.value() > 3; });
  group.AdvanceMs(5000);

  EXPECT_EQ(group.core(1).role(), Role::kLeader);
  EXPECT_EQ(group.core(1).term(), Term(1));
}

TEST(ElectionTest, AVoteLeavesOnlyOnceItIsDurable) {
  CoreHarness group(3);
  group.HoldDisk(2);
  group.Settle();

  group.Step(VoteRequest(MessageType::kVoteRequest, 3, 2, 1, 0, 0));
  EXPECT_EQ(LastOf(group.sent(), MessageType::kVoteResponse), nullptr);

  group.ReleaseDisk(2);
  ASSERT_NE(LastOf(group.sent(), MessageType::kVoteResponse), nullptr);
  EXPECT_EQ(group.node(2).disk.hard_state.vote, NodeId(3));
}

TEST(ElectionTest, ACandidatesOwnVoteCountsOnlyOnceItIsDurable) {
  CoreHarness group(1);
  group.HoldDisk(1);

  group.Tick(1);
  EXPECT_EQ(group.core(1).role(), Role::kCandidate);

  group.ReleaseDisk(1);
  EXPECT_EQ(group.core(1).role(), Role::kLeader);
}

TEST(ElectionTest, VotesOnceATermAndOnlyForALogThatIsUpToDate) {
  CoreHarness group(3);
  group.Elect(1);
  group.Freeze(milliseconds(600));
  group.sent().clear();

  group.Step(VoteRequest(MessageType::kVoteRequest, 3, 2, 5, 0, 0));
  EXPECT_TRUE(LastOf(group.sent(), MessageType::kVoteResponse)->reject) << "short log";
  group.Step(VoteRequest(MessageType::kVoteRequest, 3, 2, 5, 1, 1));
  EXPECT_FALSE(LastOf(group.sent(), MessageType::kVoteResponse)->reject);
  group.Step(VoteRequest(MessageType::kVoteRequest, 1, 2, 5, 9, 4));
  EXPECT_TRUE(LastOf(group.sent(), MessageType::kVoteResponse)->reject) << "has voted";
  group.Step(VoteRequest(MessageType::kVoteRequest, 3, 2, 5, 1, 1));
  EXPECT_FALSE(LastOf(group.sent(), MessageType::kVoteResponse)->reject) << "a repetition";
}

TEST(ElectionTest, ALearnerNeverCampaignsAndHasNoDeadline) {
  Configuration configuration = CoreHarness::Voters(1);
  configuration.learners = {NodeId(2)};
  CoreHarness group(configuration, {NodeId(1), NodeId(2)});
  group.Crash(1);

  group.AdvanceMs(5000);
  group.core(2).Campaign(group.Now(2));
  group.Settle();

  EXPECT_EQ(group.core(2).role(), Role::kLearner);
  EXPECT_EQ(group.core(2).NextDeadline(), kNever);
}

TEST(ElectionTest, AJointConfigurationNeedsBothMajorities) {
  Configuration joint;
  joint.voters = {NodeId(1), NodeId(2), NodeId(3)};
  joint.voters_outgoing = {NodeId(1), NodeId(4), NodeId(5)};
  CoreHarness group(joint, joint.Voters());
  group.LoseIf([](const Message& m) { return m.from.value() >= 4 || m.to.value() >= 4; });

  group.core(1).Campaign(group.Now(1));
  group.Settle();
  EXPECT_NE(group.core(1).role(), Role::kLeader);

  group.LoseIf([](const Message& m) { return m.from.value() == 5 || m.to.value() == 5; });
  group.AdvanceMs(3000);
  EXPECT_EQ(group.Leaders().size(), 1u);
}

TEST(ElectionTest, TheSameSeedGivesTheSameDeadlines) {
  CoreHarness one(3, 42);
  CoreHarness two(3, 42);
  CoreHarness other(3, 43);

  EXPECT_EQ(one.core(2).NextDeadline(), two.core(2).NextDeadline());
  EXPECT_NE(one.core(2).NextDeadline(), other.core(2).NextDeadline());
  EXPECT_GE(one.core(2).NextDeadline() - one.Now(2), milliseconds(500));
  EXPECT_LT(one.core(2).NextDeadline() - one.Now(2), milliseconds(1000));
}

TEST(ElectionTest, TimeThatGoesBackIsIgnored) {
  CoreHarness group(3);
  group.Elect(1);
  const MonotonicTime now = group.Now(1);
  group.Freeze(milliseconds(150));
  group.Tick(1);
  group.sent().clear();

  group.core(1).Tick(now);

  EXPECT_FALSE(group.core(1).HasReady());
}

TEST(ElectionTest, MessagesThatMakeNoSenseAreDropped) {
  CoreHarness group(3);
  group.Elect(1);
  const CoreStatus before = group.core(2).GetStatus();
  Message gap = VoteRequest(MessageType::kAppendRequest, 1, 2, 1, 1, 1);
  gap.entries = {MakeEntry(1, 3)};
  Message future_term = VoteRequest(MessageType::kAppendRequest, 1, 2, 1, 1, 1);
  future_term.entries = {MakeEntry(7, 2)};
  Message bare_config = VoteRequest(MessageType::kAppendRequest, 1, 2, 1, 1, 1);
  bare_config.entries = {MakeEntry(1, 2)};
  bare_config.entries[0].type = EntryType::kConfig;
  Message huge_term = VoteRequest(MessageType::kHeartbeatRequest, 1, 2, UINT64_MAX, 0, 0);
  Message stranger = VoteRequest(MessageType::kAppendResponse, 9, 2, 77, 5, 0);
  Message second_leader = VoteRequest(MessageType::kHeartbeatRequest, 3, 2, 1, 0, 0);

  for (const Message& message : {gap, future_term, bare_config, huge_term, stranger, second_leader,
                                 VoteRequest(MessageType::kTimeoutNow, 3, 2, 1, 0, 0),
                                 VoteRequest(MessageType::kSnapshotRequest, 1, 2, 1, 0, 0)}) {
    group.Step(message);
  }

  const CoreStatus after = group.core(2).GetStatus();
  EXPECT_EQ(after.term, before.term);
  EXPECT_EQ(after.leader, before.leader);
  EXPECT_EQ(after.last_index, before.last_index);
}

// Term 0 says that an entry is not in the log; one that is there must not look like that.
TEST(ElectionTest, AnEntryOfTermZeroIsDropped) {
  CoreHarness group(3);
  Message first = VoteRequest(MessageType::kAppendRequest, 1, 2, 1, 0, 0);
  first.entries = {MakeEntry(0, 1)};

  group.Step(first);

  EXPECT_EQ(group.core(2).GetStatus().last_index, LogIndex(0));
}

}  // namespace
}  // namespace seshat
