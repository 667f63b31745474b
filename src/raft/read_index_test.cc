// Linearizable reads: rounds, forwarding, and each read rule with a test that fails without it.
// The rules are numbered as in docs/adr/0005-read-rules.md.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

Status Read(CoreHarness& group, std::uint64_t id, std::uint64_t context) {
  return group.core(id).RequestRead(context, group.Now(id));
}

bool IsGranted(CoreHarness& group, std::uint64_t id, std::uint64_t context) {
  const auto& reads = group.node(id).reads;
  return std::ranges::find(reads, context, &ReadGrant::context) != reads.end();
}

bool HasFailed(CoreHarness& group, std::uint64_t id, std::uint64_t context) {
  const auto& failed = group.node(id).failed_reads;
  return std::ranges::find(failed, context) != failed.end();
}

void WithoutLeases(CoreHarness& group) {
  group.Configure([](CoreOptions& options) { options.leases = false; });
}

TEST(ReadIndexTest, ReadsThatWaitShareOneRound) {
  CoreHarness group(3);
  WithoutLeases(group);
  group.Elect(1);
  group.sent().clear();

  for (std::uint64_t context = 1; context <= 5; ++context) ASSERT_TRUE(Read(group, 1, context));
  group.Settle();

  for (std::uint64_t context = 1; context <= 5; ++context)
    EXPECT_TRUE(IsGranted(group, 1, context));
  EXPECT_EQ(std::ranges::count(group.sent(), MessageType::kHeartbeatRequest, &Message::type), 2);
}

TEST(ReadIndexTest, ARoundThatBeganBeforeTheRequestDoesNotCount) {
  CoreHarness group(3);
  WithoutLeases(group);
  group.Elect(1);
  ASSERT_TRUE(Read(group, 1, 1));
  group.Pump(1);
  const std::deque<Message> first_round = group.network();
  group.network().clear();

  ASSERT_TRUE(Read(group, 1, 2));
  for (const Message& message : first_round) group.Step(message);
  group.LoseIf([](const Message& m) { return m.type == MessageType::kHeartbeatRequest; });
  group.Settle();

  EXPECT_TRUE(IsGranted(group, 1, 1));
  EXPECT_FALSE(IsGranted(group, 1, 2));
}

TEST(ReadIndexTest, ALostRoundIsRepeatedByTheNextHeartbeat) {
  CoreHarness group(3);
  WithoutLeases(group);
  group.Elect(1);
  group.LoseIf([](const Message& m) { return m.type == MessageType::kHeartbeatRequest; });
  ASSERT_TRUE(Read(group, 1, 1));
  group.Settle();
  group.LoseNothing();

  group.AdvanceMs(150);

  EXPECT_TRUE(IsGranted(group, 1, 1));
}

TEST(ReadIndexTest, AFollowerAsksTheLeader) {
  for (const bool leases : {true, false}) {
    CoreHarness group(3);
    if (!leases) WithoutLeases(group);
    group.Elect(1);
    group.AdvanceMs(200);
    const LogIndex written = group.Propose(1, "a");
    group.Settle();

    ASSERT_TRUE(Read(group, 2, 9));
    group.Settle();

    ASSERT_TRUE(IsGranted(group, 2, 9));
    EXPECT_GE(group.node(2).reads.back().index, written);
    EXPECT_GE(group.node(2).applied, written) << "the answer says what is committed";
  }
}

TEST(ReadIndexTest, WithoutALeaderThereIsNoRead) {
  CoreHarness group(3);

  EXPECT_EQ(Read(group, 2, 1).error().code(), ErrorCode::kUnavailable);
}

TEST(ReadIndexTest, AnIsolatedLeaderAnswersNoReadAndFailsThemWhenItStepsDown) {
  CoreHarness group(3);
  WithoutLeases(group);
  group.Elect(1);
  group.Isolate(1);

  ASSERT_TRUE(Read(group, 1, 1));
  group.AdvanceMs(900);
  EXPECT_FALSE(IsGranted(group, 1, 1));
  EXPECT_FALSE(HasFailed(group, 1, 1));

  group.AdvanceMs(200);
  EXPECT_TRUE(HasFailed(group, 1, 1));
}

TEST(ReadIndexTest, AFollowersReadFailsWhenTheLeaderChanges) {
  CoreHarness group(3);
  group.Elect(1);
  group.LoseIf([](const Message& m) { return m.type == MessageType::kReadIndexRequest; });
  ASSERT_TRUE(Read(group, 2, 1));
  group.Settle();

  group.Crash(1);
  group.AdvanceMs(2000);

  EXPECT_TRUE(HasFailed(group, 2, 1));
}

TEST(ReadIndexTest, LostForwardedReadsDoNotBlockLaterOnesForGood) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) { options.pending_reads_max = 4; });
  group.Elect(1);
  group.LoseIf([](const Message& m) { return m.type == MessageType::kReadIndexRequest; });
  for (std::uint64_t context = 1; context <= 6; ++context) ASSERT_TRUE(Read(group, 2, context));
  group.Settle();
  EXPECT_TRUE(HasFailed(group, 2, 1));
  group.LoseNothing();

  ASSERT_TRUE(Read(group, 2, 7));
  group.Settle();

  EXPECT_TRUE(IsGranted(group, 2, 7));
}

TEST(ReadIndexTest, ReadsThatWaitForARoundAreBounded) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) {
    options.leases = false;
    options.pending_reads_max = 2;
  });
  group.Elect(1);
  ASSERT_TRUE(Read(group, 1, 1));
  ASSERT_TRUE(Read(group, 1, 2));

  EXPECT_EQ(Read(group, 1, 3).error().code(), ErrorCode::kResourceExhausted);
}

TEST(ReadIndexTest, AGroupOfOneReadsWithOrWithoutLeases) {
  for (const bool leases : {true, false}) {
    CoreHarness group(1);
    if (!leases) WithoutLeases(group);
    group.Elect(1);

    ASSERT_TRUE(Read(group, 1, 1));
    group.Settle();

    EXPECT_TRUE(IsGranted(group, 1, 1));
  }
}

TEST(ReadRulesTest, Rule1ALeaseIsJudgedByTheTimeOfTheRequestNotOfTheLastTick) {
  CoreHarness group(3);
  group.Elect(1);
  group.AdvanceMs(200);
  ASSERT_GT(group.core(1).LeaseUntil(), group.Now(1));

  group.Freeze(milliseconds(600));  // a pause: no tick has run since
  ASSERT_TRUE(Read(group, 1, 1));
  group.LoseIf([](const Message& m) { return m.type == MessageType::kHeartbeatRequest; });
  group.Pump(1);

  EXPECT_FALSE(IsGranted(group, 1, 1));
}

TEST(ReadRulesTest, Rule2AGrantNamesTheCommitIndexOfThatMoment) {
  CoreHarness group(3);
  group.Elect(1);
  group.AdvanceMs(200);
  group.HoldDisk(1);
  const LogIndex written = group.Propose(1, "committed by the others, not yet on this disk");
  group.Settle();
  ASSERT_EQ(group.core(1).commit_index(), written);

  ASSERT_TRUE(Read(group, 1, 1));
  group.Pump(1);

  ASSERT_TRUE(IsGranted(group, 1, 1));
  EXPECT_EQ(group.node(1).reads.back().index, written);
  EXPECT_LT(group.core(1).ApplicableIndex(), written) << "so the reader has to wait";
}

TEST(ReadRulesTest, Rule3NoReadBeforeAnEntryOfTheLeadersOwnTermIsCommitted) {
  CoreHarness group(3);
  group.LoseIf([](const Message& m) { return m.type == MessageType::kAppendRequest; });
  group.core(1).Campaign(group.Now(1));
  group.AdvanceMs(200);
  ASSERT_EQ(group.core(1).role(), Role::kLeader);

  EXPECT_EQ(group.core(1).LeaseUntil(), MonotonicTime{});
  EXPECT_EQ(Read(group, 1, 1).error().code(), ErrorCode::kUnavailable);
  ASSERT_TRUE(Read(group, 2, 2));
  group.Settle();
  EXPECT_TRUE(HasFailed(group, 2, 2));
}

TEST(ReadRulesTest, Rule4ALeaseCountsFromWhenItsHeartbeatWasSent) {
  CoreHarness group(3);
  group.Elect(1);
  group.AdvanceMs(200);
  group.Freeze(milliseconds(100));
  const MonotonicTime sent = group.Now(1);
  group.Tick(1);
  const std::deque<Message> heartbeats = std::exchange(group.network(), {});

  group.Freeze(milliseconds(150));  // slow network
  for (const Message& message : heartbeats) group.Step(message);
  group.Settle();

  EXPECT_EQ(group.core(1).LeaseUntil(), sent + milliseconds(400));
}

TEST(ReadRulesTest, Rule4ALeaseNeedsBothMajoritiesOfAJointConfiguration) {
  Configuration joint;
  joint.voters = {NodeId(1), NodeId(2), NodeId(3)};
  joint.voters_outgoing = {NodeId(1), NodeId(4), NodeId(5)};
  CoreHarness group(joint, joint.Voters());
  group.Elect(1);
  group.AdvanceMs(200);
  ASSERT_GT(group.core(1).LeaseUntil(), group.Now(1));

  group.LoseIf([](const Message& m) { return m.from.value() >= 4; });
  group.AdvanceMs(450);

  EXPECT_EQ(group.core(1).role(), Role::kLeader);
  EXPECT_LE(group.core(1).LeaseUntil(), group.Now(1));
}

TEST(ReadRulesTest, Rule4ALearnerVouchesForNothing) {
  Configuration configuration = CoreHarness::Voters(3);
  configuration.learners = {NodeId(4), NodeId(5)};
  CoreHarness group(configuration, configuration.Members());
  group.Elect(1);
  group.AdvanceMs(200);

  group.LoseIf([](const Message& m) { return m.from == NodeId(2) || m.from == NodeId(3); });
  group.AdvanceMs(450);

  EXPECT_LE(group.core(1).LeaseUntil(), group.Now(1));
  ASSERT_TRUE(Read(group, 1, 1));
  group.AdvanceMs(150);
  EXPECT_FALSE(IsGranted(group, 1, 1)) << "nor does it count in a round";
}

TEST(ReadRulesTest, Rule6TheLeaseFollowsTheShortestPromiseOfTheQuorum) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) {
    if (options.id != NodeId(1)) options.stickiness = milliseconds(100);
  });
  group.Elect(1);
  group.Freeze(milliseconds(100));
  const MonotonicTime sent = group.Now(1);
  group.Tick(1);
  group.Settle();

  EXPECT_EQ(group.core(1).LeaseUntil(), sent + milliseconds(80));
}

TEST(ReadRulesTest, Rule6ALeaderDoesNotUseMoreThanItAskedFor) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) {
    if (options.id == NodeId(1)) options.stickiness = milliseconds(200);
  });
  group.Elect(1);
  group.Freeze(milliseconds(100));
  const MonotonicTime sent = group.Now(1);
  group.Tick(1);
  group.Settle();

  EXPECT_EQ(group.core(1).LeaseUntil(), sent + milliseconds(160));
}

TEST(ReadRulesTest, Rule6AForcedCampaignWaitsForTheNodesOwnPromise) {
  CoreHarness group(3);
  group.Elect(1);
  group.LoseIf([](const Message& m) { return m.from == NodeId(1) && m.to == NodeId(3); });
  group.AdvanceMs(520);
  ASSERT_GT(group.core(1).LeaseUntil(), group.Now(1));

  // 3 has not heard from the leader for long enough to help; only 2's promise keeps it in office.
  group.core(2).Campaign(group.Now(2));
  group.Settle();

  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{1});
}

TEST(ReadRulesTest, Rule6APromiseIsDurableBeforeItIsGiven) {
  CoreHarness group(3);
  group.Elect(1);
  for (const std::uint64_t id : {2u, 3u}) {
    EXPECT_GE(group.node(id).disk.hard_state.promise, group.node(id).options.stickiness);
  }

  // A node that starts with a longer stickiness than its disk knows.
  group.Crash(2);
  group.node(2).options.election_timeout_min = milliseconds(900);
  group.node(2).options.stickiness = milliseconds(900);
  group.node(1).options.stickiness = milliseconds(500);
  group.HoldDisk(2);
  group.Restart(2);
  group.sent().clear();
  group.AdvanceMs(150);
  for (const Message& m : group.sent()) {
    if (m.type == MessageType::kHeartbeatResponse && m.from == NodeId(2)) {
      EXPECT_LE(m.promise, group.node(2).disk.hard_state.promise);
    }
  }
}

TEST(ReadRulesTest, Rule7ARestartedNodeKeepsItsPromise) {
  CoreHarness group(3);
  group.Elect(1);
  group.AdvanceMs(200);
  const Term term = group.core(1).term();
  group.LoseIf([](const Message& m) { return m.from == NodeId(1) || m.to == NodeId(1); });

  // 2 forgets in the crash that it heard the leader; 3 has waited long enough.
  group.Restart(2);
  group.Freeze(milliseconds(350));
  ASSERT_GT(group.core(1).LeaseUntil().since_boot, Duration::zero());
  group.core(3).Campaign(group.Now(3));
  group.Settle();
  EXPECT_EQ(group.core(2).term(), term);
  Message request;
  request.type = MessageType::kVoteRequest;
  request.from = NodeId(3);
  request.to = NodeId(2);
  request.term = Term(9);
  request.log_index = LogIndex(99);
  request.log_term = Term(8);
  group.Step(request);
  EXPECT_EQ(group.core(2).term(), term) << "neither votes nor pre-votes";

  group.core(2).Campaign(group.Now(2));
  group.Settle();
  EXPECT_EQ(group.core(2).term(), term) << "nor runs itself";

  group.Freeze(milliseconds(200));
  group.Step(request);
  EXPECT_EQ(group.core(2).term(), Term(9)) << "but only for one stickiness period";
}

TEST(ReadRulesTest, Rule7APromiseLongerThanTodaysConfigurationStillBinds) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) {
    options.election_timeout_min = milliseconds(2000);
    options.election_timeout_max = milliseconds(3000);
    options.stickiness = milliseconds(2000);
  });
  group.Elect(1);
  group.AdvanceMs(200);
  group.Isolate(1);

  for (const std::uint64_t id : {2u, 3u}) {
    group.node(id).options.election_timeout_min = milliseconds(300);
    group.node(id).options.election_timeout_max = milliseconds(600);
    group.node(id).options.stickiness = milliseconds(300);
    group.Restart(id);
  }
  while (group.core(1).LeaseUntil() > group.Now(1)) {
    group.AdvanceMs(10);
    ASSERT_LE(group.Leaders().size(), 1u) << "elected under a lease";
  }
  EXPECT_EQ(group.node(2).disk.hard_state.promise, milliseconds(2000)) << "kept until it ran out";

  group.AdvanceMs(3000);
  EXPECT_EQ(group.node(2).disk.hard_state.promise, milliseconds(300));
  EXPECT_FALSE(group.Leaders().empty());
}

TEST(ReadRulesTest, Rule7AGroupThatMayNotBeOfOneYetIsNoException) {
  CoreHarness group(3);
  Configuration alone;
  alone.voters = {NodeId(2)};
  group.Crash(2);
  group.node(2).disk.hard_state.term = Term(1);
  group.node(2).disk.entries = {MakeConfigEntry(1, 1, alone)};

  group.Restart(2);
  EXPECT_EQ(group.core(2).NextDeadline(), group.Now(2) + milliseconds(500));

  group.node(2).disk.hard_state.commit = LogIndex(1);
  group.Restart(2);
  EXPECT_EQ(group.core(2).NextDeadline(), group.Now(2)) << "once it is committed, it is alone";
}

TEST(ReadRulesTest, ALeaseAndAnotherLeaderNeverCoexist) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CoreHarness group(3, seed);
    group.node(1).clock_permille = 960;
    group.node(2).clock_permille = 1040;
    group.Configure([](CoreOptions&) {});
    group.Elect(1);
    group.AdvanceMs(300);
    group.Isolate(1);
    for (int i = 0; i < 250; ++i) {
      group.AdvanceMs(10);
      const bool others = group.core(2).LeadsWithCommit() || group.core(3).LeadsWithCommit();
      if (!others) continue;
      ASSERT_LE(group.core(1).LeaseUntil(), group.Now(1)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace seshat
