// The driver's parts that need no core: who waits for what, the budget, the group's time, its
// gauges.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "group_driver_metrics.h"
#include "group_driver_proposals.h"
#include "group_driver_replication.h"
#include "group_driver_time.h"

namespace seshat {
namespace {

class RecordingWaiter : public ProposalWaiter {
 public:
  explicit RecordingWaiter(std::string& outcome) : outcome_(outcome) {}
  void OnNotApplied(Error, NodeId) override { outcome_ += "not-applied "; }
  void OnOutcomeUnknown(Error) override { outcome_ += "unknown "; }

 private:
  std::string& outcome_;
};

class ProposalsInFlightTest : public testing::Test {
 protected:
  void Add(std::uint64_t term, std::uint64_t index) {
    ASSERT_TRUE(budget.Admit(1));
    ProposalWaiters waiters;
    waiters.push_back(std::make_unique<RecordingWaiter>(outcome));
    in_flight.Add(Term(term), LogIndex(index), std::move(waiters), 1);
  }

  std::string outcome;
  ProposalBudget budget{10, 10};
  ProposalsInFlight in_flight{budget, std::chrono::seconds(1)};
};

TEST_F(ProposalsInFlightTest, ACommittedEntryOfOursHandsOutItsWaiters) {
  Add(2, 5);

  const auto taken = in_flight.OnCommitted(Term(2), LogIndex(5), NodeId(1));

  EXPECT_EQ(taken.waiters.size(), 1u);
  EXPECT_EQ(taken.bytes, 1u);
  EXPECT_EQ(outcome, "");
}

TEST_F(ProposalsInFlightTest, AnotherEntryCommittedInItsPlaceProvesItNotApplied) {
  Add(2, 5);

  const auto taken = in_flight.OnCommitted(Term(3), LogIndex(5), NodeId(1));

  EXPECT_TRUE(taken.waiters.empty());
  EXPECT_EQ(outcome, "not-applied ");
  EXPECT_EQ(budget.count(), 0u);
}

TEST_F(ProposalsInFlightTest, LosingTheLeadershipProvesNothing) {
  Add(2, 5);

  in_flight.OnLeadershipLost(MonotonicTime{});
  in_flight.Expire(MonotonicTime{std::chrono::milliseconds(999)});
  EXPECT_EQ(outcome, "");
  in_flight.Expire(MonotonicTime{std::chrono::seconds(1)});

  EXPECT_EQ(outcome, "unknown ");
  EXPECT_EQ(budget.count(), 0u);
}

TEST_F(ProposalsInFlightTest, AnEntryOfALaterTermInItsPlaceProvesNothingBeforeItCommits) {
  Add(2, 5);
  Add(2, 6);

  Add(4, 5);

  EXPECT_EQ(outcome, "unknown unknown ");
  EXPECT_EQ(in_flight.OnCommitted(Term(4), LogIndex(5), NodeId(1)).waiters.size(), 1u);
}

TEST(ProposalBudgetTest, AdmitsOneCommandOverTheBoundWhenNothingElseIsInFlight) {
  ProposalBudget budget(2, 10);

  EXPECT_TRUE(budget.Admit(100));
  EXPECT_FALSE(budget.Admit(1));
  budget.Release(1, 100);
  EXPECT_TRUE(budget.Admit(10));
  EXPECT_TRUE(budget.Admit(0));
  EXPECT_FALSE(budget.Admit(0));
}

class FakeClock : public Clock {
 public:
  MonotonicTime Now() const override { return MonotonicTime{std::chrono::milliseconds(mono_ms)}; }
  UnixMillis WallNow() const override { return {wall_ms}; }
  std::int64_t mono_ms = 1000;
  std::int64_t wall_ms = 0;
};

Configuration ThreeVoters() {
  Configuration configuration;
  configuration.voters = {NodeId(1), NodeId(2), NodeId(3)};
  return configuration;
}

constexpr std::int64_t kEpoch = 1'700'000'000'000;
constexpr std::int64_t kHour = 3'600'000;

TEST(GroupTimeTest, AfterAnOutageTheGroupTakesWhatAQuorumOfWallClocksHasReached) {
  FakeClock clock;
  GroupTime time(clock, UnixMillis{kEpoch});
  clock.wall_ms = kEpoch + 2 * kHour;  // this one is an hour ahead of the others
  time.SetLeading(true);

  time.OnPeerWall(NodeId(2), UnixMillis{kEpoch + kHour}, ThreeVoters(), NodeId(1));

  EXPECT_EQ(time.Current().value, kEpoch + kHour);
}

TEST(GroupTimeTest, OnceTheLeadersTimeIsKnownWallClocksNoLongerMakeItJump) {
  FakeClock clock;
  GroupTime time(clock, UnixMillis{kEpoch});
  clock.wall_ms = kEpoch + kHour;
  time.OnLeaderTime(UnixMillis{kEpoch + 10});

  time.SetLeading(true);
  time.OnPeerWall(NodeId(2), UnixMillis{kEpoch + kHour}, ThreeVoters(), NodeId(1));

  EXPECT_EQ(time.Current().value, kEpoch + 10);
}

TEST(GroupTimeTest, TimeSpentFollowingDoesNotCountTowardsWhatTheWallClockMayGain) {
  FakeClock clock;
  GroupTime time(clock, UnixMillis{kEpoch});
  time.OnLeaderTime(UnixMillis{kEpoch});
  clock.wall_ms = kEpoch + kHour;
  clock.mono_ms += 1000;
  time.SetLeading(true);
  clock.mono_ms += 10;

  EXPECT_EQ(time.Current().value, kEpoch + 1020);
}

class ReplicationWaitsTest : public testing::Test {
 protected:
  static constexpr MonotonicTime kStart{std::chrono::seconds(100)};
  static constexpr MonotonicTime kEnd{std::chrono::seconds(101)};

  void Add(std::uint64_t index, std::size_t wanted) {
    waits.Add({LogIndex(index), wanted, kEnd, [this](Result<std::size_t> result) {
                 outcome += result ? std::to_string(*result) + " " : result.error().message() + " ";
               }});
  }
  std::string Look(const std::vector<std::uint64_t>& held, MonotonicTime now = kStart) {
    for (auto& wait : waits.TakeFinished({held.begin(), held.end()}, now)) {
      wait.done(std::move(wait.result));
    }
    return std::exchange(outcome, "");
  }

  ReplicationWaits waits;
  std::string outcome;
};

TEST_F(ReplicationWaitsTest, AWaitEndsWhenSoManyHoldTheEntry) {
  Add(5, 2);

  EXPECT_EQ(Look({5, 4}), "");
  EXPECT_EQ(Look({5, 5}), "2 ");
  EXPECT_TRUE(waits.empty());
}

TEST_F(ReplicationWaitsTest, AWaitForWhatIsHeldAlreadyEndsAtTheFirstLookAndTellsOfAll) {
  Look({9, 9, 2});
  Add(5, 1);

  EXPECT_EQ(Look({9, 9, 2}), "2 ");
}

TEST_F(ReplicationWaitsTest, AtItsEndAWaitTellsHowManyThereAre) {
  Add(5, 2);
  Add(7, 2);

  EXPECT_EQ(Look({6, 4}), "");
  EXPECT_EQ(waits.NextDeadline(), kEnd);
  EXPECT_EQ(Look({6, 4}, kEnd), "1 0 ");
  EXPECT_EQ(waits.NextDeadline(), kNever);
}

TEST_F(ReplicationWaitsTest, OfSeveralEachEndsOnItsOwn) {
  Add(5, 1);
  Add(6, 1);
  Add(6, 2);

  EXPECT_EQ(Look({5, 0}), "1 ");
  EXPECT_EQ(Look({6, 0}), "1 ");
  EXPECT_EQ(Look({6, 6}), "2 ");
}

TEST_F(ReplicationWaitsTest, AllAreToldWhenThereIsNoMoreToWaitFor) {
  Add(5, 1);

  for (auto& wait : waits.TakeAll(Error(ErrorCode::kUnavailable, "lost"))) {
    wait.done(std::move(wait.result));
  }

  EXPECT_EQ(outcome, "lost ");
  EXPECT_TRUE(waits.empty());
  EXPECT_EQ(waits.NextDeadline(), kNever);
}

// One value by name, followed by the reason where a label has one, whatever the other labels.
class NamedValues final : public Metrics {
 public:
  Counter& GetCounter(const std::string& name, const std::string&,
                      const MetricLabels& labels) override {
    const auto reason = std::ranges::find(labels, "reason", &MetricLabels::value_type::first);
    return cells_[reason == labels.end() ? name : name + " " + reason->second];
  }
  Gauge& GetGauge(const std::string& name, const std::string&, const MetricLabels&) override {
    return cells_[name];
  }
  Histogram& GetHistogram(const std::string& name, const std::string&, const MetricLabels&,
                          const std::vector<double>&) override {
    return cells_[name];
  }
  double Of(const std::string& name) const { return cells_.at(name).value; }

 private:
  struct Cell final : Counter, Gauge, Histogram {
    void Increment(double by) override { value += by; }
    void Set(double to) override { value = to; }
    void Add(double by) override { value += by; }
    void Observe(double) override {}
    double value = 0;
  };
  std::map<std::string, Cell> cells_;
};

TEST(DriverGaugesTest, SnapshotsAreShown) {
  NamedValues metrics;
  DriverGauges gauges(metrics, NodeId(1), kFirstDataGroup);
  GroupStatus status;
  status.entries_since_snapshot = 7;
  status.fetching = FetchStatus{.index = LogIndex(12)};
  status.snapshots_installed = 2;

  gauges.Update(status, Duration(0));

  EXPECT_EQ(metrics.Of("raft_log_entries_since_snapshot"), 7);
  EXPECT_EQ(metrics.Of("raft_snapshot_fetching"), 1);
  EXPECT_EQ(metrics.Of("raft_snapshots_installed_total"), 2);
  status.fetching.reset();
  status.snapshots_installed = 3;
  gauges.Update(status, Duration(0));
  gauges.Update(status, Duration(0));
  EXPECT_EQ(metrics.Of("raft_snapshot_fetching"), 0);
  EXPECT_EQ(metrics.Of("raft_snapshots_installed_total"), 3);
}

TEST(DriverGaugesTest, TheDiskAndHandOversByReasonAreShown) {
  NamedValues metrics;
  DriverGauges gauges(metrics, NodeId(1), kFirstDataGroup);
  GroupStatus status;
  status.log_sync = std::chrono::milliseconds(250);

  gauges.Update(status, Duration(0));
  gauges.CountHandOver(TransferReason::kRequest);
  for (int i = 0; i < 2; ++i) gauges.CountHandOver(TransferReason::kStopping);
  for (int i = 0; i < 3; ++i) gauges.CountHandOver(TransferReason::kSlowDisk);

  EXPECT_EQ(metrics.Of("raft_log_sync_seconds"), 0.25);
  EXPECT_EQ(metrics.Of("raft_leader_handovers_total request"), 1);
  EXPECT_EQ(metrics.Of("raft_leader_handovers_total stopping"), 2);
  EXPECT_EQ(metrics.Of("raft_leader_handovers_total slow_disk"), 3);
}

}  // namespace
}  // namespace seshat
