// Replication: flow control, conflicts, durability before acknowledgement, and slow followers.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_harness.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;
using State = FollowerStatus::State;

std::size_t CountOf(const std::vector<Message>& sent, MessageType type, std::uint64_t from,
                    std::uint64_t to) {
  return static_cast<std::size_t>(std::ranges::count_if(sent, [&](const Message& m) {
    return m.type == type && m.from == NodeId(from) && m.to == NodeId(to);
  }));
}

const FollowerStatus FollowerOf(CoreHarness& group, std::uint64_t leader, std::uint64_t follower) {
  const CoreStatus status = group.core(leader).GetStatus();
  const auto at = std::ranges::find(status.followers, NodeId(follower), &FollowerStatus::id);
  return at == status.followers.end() ? FollowerStatus{} : *at;
}

// Gives a stopped node a log of entries with these terms.
void Preload(CoreHarness& group, std::uint64_t id, const std::vector<std::uint64_t>& terms) {
  group.Crash(id);
  HarnessDisk& disk = group.node(id).disk;
  disk.entries.clear();
  for (const std::uint64_t term : terms) {
    disk.entries.push_back(MakeEntry(term, disk.entries.size() + 1, "t" + std::to_string(term)));
  }
  disk.hard_state.term = Term(terms.empty() ? 0 : terms.back());
}

TEST(ReplicationTest, AllProposalsOfATurnTravelInOneMessage) {
  CoreHarness group(3);
  group.Elect(1);
  group.sent().clear();

  for (int i = 0; i < 20; ++i) group.Propose(1, "x");
  group.Pump(1);

  EXPECT_EQ(CountOf(group.sent(), MessageType::kAppendRequest, 1, 2), 1u);
  EXPECT_EQ(group.sent().front().entries.size(), 20u);
}

TEST(ReplicationTest, TheLeaderSendsBeforeItsDiskAndCountsItselfOnlyAfterwards) {
  CoreHarness group(3);
  group.Elect(1);
  group.HoldDisk(1);
  group.Crash(3);

  const LogIndex index = group.Propose(1, "a");
  group.Settle();
  EXPECT_EQ(group.node(2).disk.last(), index);
  EXPECT_LT(group.core(1).commit_index(), index);

  group.ReleaseDisk(1);
  EXPECT_EQ(group.core(1).commit_index(), index);
}

TEST(ReplicationTest, AFollowerAcknowledgesOnlyWhatItsDiskHas) {
  CoreHarness group(3);
  group.Elect(1);
  group.Crash(3);
  group.HoldDisk(2);

  const LogIndex first = group.Propose(1, "a");
  group.Settle();
  const LogIndex second = group.Propose(1, "b");
  group.Settle();
  EXPECT_LT(group.core(1).commit_index(), first) << "several appends wait for the disk";

  group.FinishOneWrite(2);
  group.Settle();
  EXPECT_EQ(group.core(1).commit_index(), first);
  group.ReleaseDisk(2);
  group.Settle();
  EXPECT_EQ(group.core(1).commit_index(), second);
}

TEST(ReplicationTest, MessagesInFlightAreBounded) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) { options.inflight_messages_max = 4; });
  group.Elect(1);
  group.HoldDisk(2);

  for (int i = 0; i < 10; ++i) {
    group.Propose(1, "x");
    group.Settle();
  }
  EXPECT_EQ(FollowerOf(group, 1, 2).inflight_messages, 4u);

  group.ReleaseDisk(2);
  group.Settle();
  EXPECT_EQ(FollowerOf(group, 1, 2).inflight_messages, 0u);
  EXPECT_EQ(FollowerOf(group, 1, 2).match, group.core(1).GetStatus().last_index);
}

TEST(ReplicationTest, BytesInFlightAreBoundedAndALargeEntryGoesAlone) {
  constexpr std::size_t kEntryBytes = Entry::kOverheadBytes + 100;
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) {
    options.append_bytes_max = 2 * kEntryBytes;
    options.inflight_bytes_max = 5 * kEntryBytes;
  });
  group.Elect(1);
  group.HoldDisk(2);
  group.sent().clear();

  for (int i = 0; i < 9; ++i) group.Propose(1, std::string(100, 'x'));
  group.Propose(1, std::string(5000, 'y'));
  group.Settle();

  std::size_t bytes = 0;
  for (const Message& message : group.sent()) {
    if (message.to != NodeId(2)) continue;
    EXPECT_LE(message.entries.size(), 2u);
    for (const Entry& entry : message.entries) bytes += entry.SizeBytes();
  }
  EXPECT_LE(bytes, 5 * kEntryBytes);

  group.sent().clear();
  group.ReleaseDisk(2);
  group.Settle();
  EXPECT_EQ(FollowerOf(group, 1, 2).match, group.core(1).GetStatus().last_index);
  for (const Message& message : group.sent()) {
    if (message.entries.empty() || message.entries.back().SizeBytes() < 5000) continue;
    EXPECT_EQ(message.entries.size(), 1u);
  }
}

TEST(ReplicationTest, ProposalsBeyondTheUncommittedLimitAreRefusedUntilSomeCommit) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) { options.uncommitted_bytes_max = 1000; });
  group.Elect(1);
  group.Isolate(1);
  const auto big = std::make_shared<const std::string>(5000, 'x');

  ASSERT_TRUE(group.core(1).Propose(big, group.Now(1))) << "one is always taken";
  const auto refused = group.core(1).Propose(big, group.Now(1));
  group.Settle();

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  group.LoseNothing();
  group.AdvanceMs(300);
  EXPECT_TRUE(group.core(1).Propose(big, group.Now(1)));
}

TEST(ReplicationTest, ALostAppendIsNoticedByTheNextOne) {
  CoreHarness group(3);
  group.Elect(1);
  group.Isolate(2);
  group.Propose(1, "lost");
  group.Settle();
  group.LoseNothing();

  const LogIndex last = group.Propose(1, "next");
  group.Settle();

  EXPECT_EQ(group.node(2).disk.last(), last);
}

TEST(ReplicationTest, ALostAppendWithNothingAfterItIsNoticedByHeartbeats) {
  CoreHarness group(3);
  group.Elect(1);
  group.AdvanceMs(200);
  group.Isolate(2);
  const LogIndex last = group.Propose(1, "lost");
  group.Settle();
  group.LoseNothing();

  group.AdvanceMs(250);

  EXPECT_EQ(group.node(2).disk.last(), last);
  EXPECT_EQ(FollowerOf(group, 1, 2).match, last);
}

TEST(ReplicationTest, ALostAcknowledgementIsAskedForAgainWithoutResendingEntries) {
  CoreHarness group(3);
  group.Elect(1);
  group.AdvanceMs(200);
  group.LoseIf([](const Message& m) { return m.type == MessageType::kAppendResponse; });
  const LogIndex last = group.Propose(1, "a");
  group.Settle();
  group.LoseNothing();
  group.sent().clear();

  group.AdvanceMs(250);

  EXPECT_EQ(group.core(1).commit_index(), last);
  for (const Message& message : group.sent()) EXPECT_TRUE(message.entries.empty());
}

TEST(ReplicationTest, ALostProbeIsSentAgain) {
  CoreHarness group(3);
  group.LoseIf(
      [](const Message& m) { return m.type == MessageType::kAppendRequest && m.to == NodeId(2); });
  group.Elect(1);
  ASSERT_EQ(FollowerOf(group, 1, 2).state, State::kProbe);

  group.LoseNothing();
  group.AdvanceMs(250);

  EXPECT_EQ(FollowerOf(group, 1, 2).state, State::kReplicate);
  EXPECT_EQ(FollowerOf(group, 1, 2).match, group.core(1).GetStatus().last_index);
}

struct Divergence {
  std::vector<std::uint64_t> leader;
  std::vector<std::uint64_t> follower;
  std::size_t refusals_max = 0;
};

class ConflictTest : public testing::TestWithParam<Divergence> {};

TEST_P(ConflictTest, IsFoundInAtMostOneRoundTripForEachDifferingTerm) {
  CoreHarness group(3);
  Preload(group, 1, GetParam().leader);
  Preload(group, 2, GetParam().follower);
  Preload(group, 3, GetParam().leader);
  group.node(1).disk.hard_state.term = Term(50);
  group.Restart(1);
  group.Restart(3);
  group.Freeze(milliseconds(500));
  group.Elect(1);
  group.Restart(2);
  group.sent().clear();

  group.AdvanceMs(300);

  std::size_t refusals = 0;
  for (const Message& m : group.sent()) {
    if (m.type == MessageType::kAppendResponse && m.reject) ++refusals;
  }
  EXPECT_LE(refusals, GetParam().refusals_max);
  EXPECT_EQ(group.node(2).disk.last(), group.core(1).GetStatus().last_index);
  for (LogIndex i{1}; i <= group.node(2).disk.last(); i = i.Next()) {
    EXPECT_EQ(group.core(2).TermAt(i), group.core(1).TermAt(i));
  }
}

// Paper, figure 7: the leader of term 8 and its followers (a) to (f); and long foreign tails.
INSTANTIATE_TEST_SUITE_P(
    Logs, ConflictTest,
    testing::Values(
        Divergence{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4, 4, 5, 5, 6, 6}, 1},
        Divergence{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4}, 1},
        Divergence{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6}, 1},
        Divergence{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7}, 1},
        Divergence{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4, 4, 4, 4}, 2},
        Divergence{{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}, 3},
        Divergence{
            {1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, {1, 1, 1, 1, 1}, 2},
        Divergence{{1, 1, 1, 1, 9}, {1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 2}));

TEST(ReplicationTest, AFollowerWithALongForeignTailIsBroughtBack) {
  CoreHarness group(3);
  group.Elect(1);
  group.Isolate(1);
  for (int i = 0; i < 50; ++i) group.Propose(1, "never acknowledged");
  group.AdvanceMs(3000);
  ASSERT_EQ(group.Leaders().size(), 1u);
  const std::uint64_t leader = group.Leaders().front();
  group.Propose(leader, "kept");
  group.Settle();

  group.LoseNothing();
  group.AdvanceMs(1500);

  EXPECT_EQ(group.Applied(1), std::vector<std::string>{"kept"});
  EXPECT_EQ(group.Leaders(), std::vector<std::uint64_t>{leader});
}

// Paper, figure 8: an entry of an earlier term on a majority is not committed by counting.
TEST(ReplicationTest, AnEntryOfAnEarlierTermIsCommittedOnlyWithOneOfTheLeadersOwn) {
  CoreHarness group(3);
  Preload(group, 1, {1, 2});
  Preload(group, 2, {1, 2});
  Preload(group, 3, {1});
  group.node(1).disk.hard_state.term = Term(3);
  for (const std::uint64_t id : {1u, 2u, 3u}) group.Restart(id);
  group.Freeze(milliseconds(500));
  group.HoldDisk(2);
  group.HoldDisk(3);
  group.core(1).Campaign(group.Now(1));
  group.Settle();
  for (const std::uint64_t id : {2u, 3u}) {
    while (group.core(1).role() != Role::kLeader && !group.node(id).writes.empty()) {
      group.FinishOneWrite(id);
      group.Settle();
    }
  }
  ASSERT_EQ(group.core(1).role(), Role::kLeader);

  // Entry 2 is on the disks of 1 and 2, a majority; the no-op is on none but the leader's.
  group.AdvanceMs(50);
  EXPECT_LT(group.core(1).commit_index(), LogIndex(2));

  group.ReleaseDisk(2);
  group.Settle();
  EXPECT_EQ(group.core(1).commit_index(), LogIndex(3));
}

TEST(ReplicationTest, OldEntriesAreFetchedFromTheLogForASlowFollower) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) {
    options.cached_bytes_max = 100;
    options.append_bytes_max = 500;
  });
  group.Elect(1);
  group.Crash(3);
  for (int i = 0; i < 100; ++i) {
    group.Propose(1, std::to_string(i));
    group.Settle();
  }

  group.Restart(3);
  group.AdvanceMs(500);

  EXPECT_GT(group.node(1).fetches, 2u);
  EXPECT_EQ(group.Applied(3).size(), 100u);
}

TEST(ReplicationTest, ALogThatCannotBeReadIsTriedAgainWithTheNextHeartbeatOnly) {
  CoreHarness group(3);
  group.Configure([](CoreOptions& options) { options.cached_bytes_max = 0; });
  group.Elect(1);
  group.Crash(3);
  for (int i = 0; i < 10; ++i) group.Propose(1, "x");
  group.Settle();
  group.node(1).log_unreadable = true;
  group.node(1).fetches = 0;
  group.Restart(3);

  group.AdvanceMs(300);
  const std::size_t fetches = group.node(1).fetches;
  group.node(1).log_unreadable = false;
  group.AdvanceMs(300);

  EXPECT_GE(fetches, 1u);
  EXPECT_LE(fetches, 4u);
  EXPECT_EQ(group.node(3).disk.last(), group.core(1).GetStatus().last_index);
}

TEST(ReplicationTest, AnAnswerToAnotherLeadershipsFetchIsNotTakenUnchecked) {
  CoreHarness group(3);
  group.Elect(1);
  const LogIndex last = group.core(1).GetStatus().last_index;

  group.core(1).OnFetched(NodeId(2), {MakeEntry(9, last.value() + 1)}, group.Now(1));
  group.core(1).OnFetched(NodeId(8), {}, group.Now(1));

  EXPECT_FALSE(group.core(1).HasReady());
}

TEST(ReplicationTest, ACrashLosesWhatWasNotDurableAndTheGroupRestoresIt) {
  CoreHarness group(3);
  group.Elect(1);
  group.HoldDisk(2);
  group.Propose(1, "a");
  group.Settle();
  ASSERT_EQ(group.Applied(1).size(), 1u) << "1 and 3 have it";

  group.node(2).disk_held = false;
  group.Restart(2);
  group.AdvanceMs(500);

  EXPECT_EQ(group.Applied(2), std::vector<std::string>{"a"});
}

TEST(ReplicationTest, EveryNodeDownAtOnceLosesNothingCommitted) {
  CoreHarness group(5);
  group.Elect(1);
  for (int i = 0; i < 5; ++i) group.Propose(1, std::to_string(i));
  group.Settle();

  for (std::uint64_t id = 1; id <= 5; ++id) group.Crash(id);
  for (std::uint64_t id = 1; id <= 5; ++id) group.Restart(id);
  group.AdvanceMs(3000);

  ASSERT_EQ(group.Leaders().size(), 1u);
  EXPECT_EQ(group.Applied(group.Leaders().front()).size(), 5u);
}

TEST(ReplicationDeathTest, PersistenceReportedOutOfOrderIsOurBug) {
  CoreHarness group(1);
  group.Tick(1);

  EXPECT_DEATH(group.core(1).OnPersisted(1, group.Now(1)), "check failed");
  EXPECT_DEATH(group.core(1).OnPersisted(999, group.Now(1)), "check failed");
  EXPECT_DEATH(group.core(1).OnApplied(LogIndex(999)), "check failed");
}

}  // namespace
}  // namespace seshat
