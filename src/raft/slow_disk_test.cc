// The figure for a disk, and when a leader hands over because of it.
#include "slow_disk.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace seshat {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kPeriod = seconds(1);

class SyncLatencyTest : public testing::Test {
 protected:
  // A period in which writes took that long.
  bool Period(const std::vector<Duration>& writes, Duration waited = Duration::zero()) {
    for (const Duration took : writes) latency.OnDurable(took);
    now = now + kPeriod;
    return latency.Advance(now, waited);
  }
  void Periods(int count, Duration took) {
    for (int i = 0; i < count; ++i) Period({took});
  }

  MonotonicTime now{seconds(100)};
  SyncLatency latency{kPeriod, now};
};

TEST_F(SyncLatencyTest, IsUnknownBeforeFivePeriodsWithWrites) {
  Periods(4, milliseconds(2));
  EXPECT_EQ(latency.typical(), Duration::zero());

  Periods(1, milliseconds(2));

  EXPECT_EQ(latency.typical(), milliseconds(2));
}

TEST_F(SyncLatencyTest, OfEachPeriodTheSlowestCounts) {
  for (int i = 0; i < 5; ++i) Period({milliseconds(1), milliseconds(7), milliseconds(2)});

  EXPECT_EQ(latency.typical(), milliseconds(7));
  EXPECT_EQ(latency.latest(), milliseconds(7));
}

TEST_F(SyncLatencyTest, FourSlowPeriodsOfNineAreNoNewsAndFiveAre) {
  Periods(9, milliseconds(1));
  Periods(4, seconds(1));
  EXPECT_EQ(latency.typical(), milliseconds(1));

  Periods(1, seconds(1));

  EXPECT_EQ(latency.typical(), seconds(1));
}

TEST_F(SyncLatencyTest, OthersAreToldOfASlowDiskTwoPeriodsSooner) {
  Periods(9, milliseconds(1));
  Periods(2, seconds(1));
  EXPECT_EQ(latency.reported(), milliseconds(1));

  Periods(1, seconds(1));

  EXPECT_EQ(latency.reported(), seconds(1));
}

TEST_F(SyncLatencyTest, AWriteUnderWayForLessThanAPeriodCountsWhenItEnds) {
  Periods(9, milliseconds(1));

  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(Period({}, milliseconds(10)));
    EXPECT_TRUE(Period({milliseconds(900)}));
  }

  EXPECT_EQ(latency.typical(), milliseconds(900));
}

TEST_F(SyncLatencyTest, AStallEveryOtherPeriodIsWhatItIsLike) {
  for (int i = 0; i < 5; ++i) {
    Period({seconds(1)});
    Period({milliseconds(1)});
  }
  Period({seconds(1)});

  EXPECT_EQ(latency.typical(), seconds(1));
}

TEST_F(SyncLatencyTest, WhatIsLongPastIsForgotten) {
  Periods(20, seconds(1));
  Periods(5, milliseconds(3));

  EXPECT_EQ(latency.typical(), milliseconds(3));
}

TEST_F(SyncLatencyTest, PeriodsWithoutWritesChangeNothing) {
  Periods(9, milliseconds(4));

  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Period({}));

  EXPECT_EQ(latency.typical(), milliseconds(4));
  EXPECT_TRUE(Period({milliseconds(4)}));
}

TEST_F(SyncLatencyTest, ASyncThatDoesNotReturnCountsByItsAge) {
  Periods(9, milliseconds(1));

  for (int i = 1; i <= 5; ++i) EXPECT_TRUE(Period({}, i * kPeriod));

  EXPECT_EQ(latency.typical(), seconds(1));
  EXPECT_EQ(latency.latest(), seconds(5));
}

TEST_F(SyncLatencyTest, APeriodLastsItsTime) {
  latency.OnDurable(milliseconds(1));

  EXPECT_FALSE(latency.Advance(now + kPeriod - milliseconds(1), seconds(9)));

  EXPECT_EQ(latency.latest(), Duration::zero());
}

TEST_F(SyncLatencyTest, AWriteThatTookNoTimeIsAWrite) {
  Periods(5, Duration::zero());

  EXPECT_GT(latency.typical(), Duration::zero());
}

// Node 1 leads 2 and 3, which are level and have good disks; its own takes 1 s.
class SlowDiskRuleTest : public testing::Test {
 protected:
  SlowDiskRuleTest() {
    SetOwn(seconds(1));
    status.id = NodeId(1);
    status.role = Role::kLeader;
    status.commit_index = LogIndex(10);
    status.last_index = LogIndex(12);
    status.configuration.voters = {NodeId(1), NodeId(2), NodeId(3)};
    status.configuration_index = LogIndex(1);
    status.followers = {Follower(2), Follower(3)};
    rule.OnReport(NodeId(2), milliseconds(3));
    rule.OnReport(NodeId(3), milliseconds(2));
  }

  static FollowerStatus Follower(std::uint64_t id) {
    FollowerStatus follower;
    follower.id = NodeId(id);
    follower.state = FollowerStatus::State::kReplicate;
    follower.match = LogIndex(10);
    follower.recently_active = true;
    return follower;
  }

  void SetOwn(Duration took) {
    for (int i = 0; i < 9; ++i) OwnPeriod(took);
  }

  void OwnPeriod(Duration took) {
    period_end = period_end + kPeriod;
    own.OnDurable(took);
    EXPECT_TRUE(own.Advance(period_end, Duration::zero()));
  }

  // To whom; kNoNode: to nobody.
  NodeId Successor() {
    const auto found = rule.Judge(own, status, leader_since, now);
    return found ? found->to : kNoNode;
  }

  SlowDiskOptions options;
  SlowDiskRule rule{options};
  SyncLatency own{kPeriod, MonotonicTime{}};
  MonotonicTime period_end;
  CoreStatus status;
  MonotonicTime leader_since{seconds(100)};
  MonotonicTime now{seconds(1000)};
};

TEST_F(SlowDiskRuleTest, HandsOverToTheVoterWithTheBestDisk) {
  const auto found = rule.Judge(own, status, leader_since, now);

  EXPECT_EQ(found, (SlowDiskHandOver{NodeId(3), seconds(1), milliseconds(2)}));
}

TEST_F(SlowDiskRuleTest, NobodyButALeaderHandsOver) {
  status.role = Role::kFollower;

  EXPECT_EQ(Successor(), kNoNode);
}

TEST_F(SlowDiskRuleTest, ItCanBeSwitchedOff) {
  options.hands_over = false;
  SlowDiskRule off(options);
  off.OnReport(NodeId(2), milliseconds(2));

  EXPECT_EQ(off.Judge(own, status, leader_since, now), std::nullopt);
}

TEST_F(SlowDiskRuleTest, BelowTheFloorNoDiskIsSlow) {
  SetOwn(options.sync_min - milliseconds(1));
  EXPECT_EQ(Successor(), kNoNode);

  SetOwn(options.sync_min);
  EXPECT_EQ(Successor(), NodeId(3));
}

TEST_F(SlowDiskRuleTest, ADiskThatWasSlowAndNowIsNotChangesNothing) {
  OwnPeriod(milliseconds(1));
  EXPECT_EQ(own.typical(), seconds(1));

  EXPECT_EQ(Successor(), kNoNode);
}

TEST_F(SlowDiskRuleTest, TheSuccessorsDiskMustBeFasterByTheFactor) {
  rule.OnReport(NodeId(2), milliseconds(201));
  rule.OnReport(NodeId(3), milliseconds(201));
  EXPECT_EQ(Successor(), kNoNode);

  rule.OnReport(NodeId(2), milliseconds(200));
  EXPECT_EQ(Successor(), NodeId(2));
}

TEST_F(SlowDiskRuleTest, WhereEveryDiskIsSlowNobodyMoves) {
  rule.OnReport(NodeId(2), seconds(1));
  rule.OnReport(NodeId(3), seconds(2));

  EXPECT_EQ(Successor(), kNoNode);
}

TEST_F(SlowDiskRuleTest, AVoterThatDoesNotSayIsNotChosen) {
  rule.OnReport(NodeId(3), Duration::zero());
  EXPECT_EQ(Successor(), NodeId(2));

  rule.Forget();
  now = now + options.pause;
  EXPECT_EQ(Successor(), kNoNode);
}

TEST_F(SlowDiskRuleTest, NorIsOneThatIsNotLevel) {
  status.followers[1].match = LogIndex(9);
  EXPECT_EQ(Successor(), NodeId(2));

  now = now + options.pause;
  status.followers[0].state = FollowerStatus::State::kProbe;
  EXPECT_EQ(Successor(), kNoNode);
}

TEST_F(SlowDiskRuleTest, NorALearner) {
  status.configuration.learners = {NodeId(4)};
  status.followers.push_back(Follower(4));
  status.followers.back().is_learner = true;
  rule.OnReport(NodeId(4), milliseconds(1));

  EXPECT_EQ(Successor(), NodeId(3));
}

TEST_F(SlowDiskRuleTest, NorOneThatIsSilent) {
  status.configuration.voters = {NodeId(1), NodeId(2), NodeId(3), NodeId(4)};
  status.followers.push_back(Follower(4));
  status.followers.push_back(Follower(5));
  status.configuration.voters.push_back(NodeId(5));
  status.followers[1].recently_active = false;

  EXPECT_EQ(Successor(), NodeId(2));
}

TEST_F(SlowDiskRuleTest, ALeaderThatAMajorityNeedsStays) {
  status.followers[1].recently_active = false;

  EXPECT_EQ(Successor(), kNoNode);
}

TEST_F(SlowDiskRuleTest, WhileMembersChangeNobodyMoves) {
  status.configuration.voters_outgoing = {NodeId(1), NodeId(2), NodeId(3)};
  EXPECT_EQ(Successor(), kNoNode);

  status.configuration.voters_outgoing.clear();
  status.configuration_index = LogIndex(11);
  EXPECT_EQ(Successor(), kNoNode);

  status.commit_index = LogIndex(11);
  status.followers[0].match = LogIndex(11);
  EXPECT_EQ(Successor(), NodeId(2));
}

TEST_F(SlowDiskRuleTest, ANewLeaderLeadsForThePauseFirst) {
  leader_since = now - options.pause + milliseconds(1);
  EXPECT_EQ(Successor(), kNoNode);

  now = now + milliseconds(1);
  EXPECT_EQ(Successor(), NodeId(3));
}

TEST_F(SlowDiskRuleTest, BetweenTwoAttemptsThePausePasses) {
  EXPECT_EQ(Successor(), NodeId(3));

  now = now + options.pause - milliseconds(1);
  EXPECT_EQ(Successor(), kNoNode);

  now = now + milliseconds(1);
  EXPECT_EQ(Successor(), NodeId(3));
}

}  // namespace
}  // namespace seshat
