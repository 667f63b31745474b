// The simulator itself: that a seed decides everything, that its disks and links do what they say,
// that its checks can fail, and the seeds that are kept.
#include "simulation.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "disk.h"
#include "executor.h"
#include "expiry_probe.h"
#include "log_writes.h"
#include "network.h"
#include "seshat/raft/group_registry.h"

namespace seshat {
namespace {

constexpr GroupId kGroup = kFirstDataGroup;

TEST(SimulationTest, TheSameSeedGivesTheSameTrace) {
  SimOptions options;
  options.seed = 5;
  options.faults_for = std::chrono::seconds(5);

  const SimReport first = RunSimulation(options);
  const SimReport second = RunSimulation(options);

  EXPECT_EQ(first.trace_hash, second.trace_hash);
  EXPECT_EQ(first.events, second.events);
}

TEST(SimulationTest, AnotherSeedGivesAnotherTrace) {
  SimOptions options;
  options.faults_for = std::chrono::seconds(1);
  options.seed = 5;
  const SimReport first = RunSimulation(options);

  options.seed = 6;

  EXPECT_NE(first.trace_hash, RunSimulation(options).trace_hash);
}

TEST(SimulationTest, ARunServesWritesAndBothKindsOfReads) {
  SimOptions options;
  options.seed = 4;

  const SimReport report = RunSimulation(options);

  EXPECT_EQ(report.failure, std::nullopt);
  EXPECT_GT(report.writes_acknowledged, 100u);
  EXPECT_GT(report.reads_answered, 100u);
}

TEST(SimulationTest, KeptSeedsHold) {
  std::ifstream file(std::string(SESHAT_TESTDATA_DIR) + "/seeds.txt");
  ASSERT_TRUE(file.is_open());
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream fields(line);
    SimOptions options;
    std::int64_t seconds = 0;
    std::string mode;
    ASSERT_TRUE(fields >> options.seed >> options.nodes >> seconds >> mode) << line;
    options.faults_for = std::chrono::seconds(seconds);
    options.mode = mode == "liveness" ? SimMode::kLiveness : SimMode::kSafety;

    const SimReport report = RunSimulation(options);

    EXPECT_EQ(report.failure, std::nullopt) << "replay: " << ReplayCommand(options);
  }
}

TEST(SimDiskTest, APowerFailureLosesWhatNoSyncCoveredAndNothingElse) {
  bool has_lost = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimScheduler scheduler(seed, false);
    SimDisk disk(scheduler, NodeId(1));
    ASSERT_TRUE(disk.CreateGroup(kGroup, ""));
    disk.Write(WriteOf(1, 1), [] {});
    scheduler.RunUntil(std::chrono::seconds(1));
    disk.Write(WriteOf(1, 2), [] {});
    disk.Write(kGroup, StateBatch{{}, {{"k", "v"}}});

    disk.Crash(true);

    EXPECT_TRUE(disk.CurrentRecord(kGroup, LogIndex(1)));
    has_lost |= !disk.CurrentRecord(kGroup, LogIndex(2));
  }
  EXPECT_TRUE(has_lost);
}

TEST(SimDiskTest, AWriteIsDurableWhenItsCallbackRuns) {
  SimScheduler scheduler(1, false);
  SimDisk disk(scheduler, NodeId(1));
  ASSERT_TRUE(disk.CreateGroup(kGroup, ""));
  bool was_durable = false;

  disk.Write(WriteOf(1, 1),
             [&] { was_durable = disk.DurableRecord(kGroup, LogIndex(1)).has_value(); });
  EXPECT_FALSE(disk.DurableRecord(kGroup, LogIndex(1)));
  scheduler.RunUntil(std::chrono::seconds(1));

  EXPECT_TRUE(was_durable);
}

TEST(SimExecutorTest, APausedExecutorRunsNothingUntilItGoesOn) {
  SimScheduler scheduler(1, false);
  SimClock clock(scheduler, MonotonicTime{}, 0);
  SimExecutor executor(scheduler, clock);
  std::vector<int> ran;
  executor.SetPaused(true);
  executor.Post([&] { ran.push_back(1); });
  executor.PostAt(clock.Now() + std::chrono::milliseconds(1), [&] { ran.push_back(2); });

  scheduler.RunUntil(std::chrono::seconds(1));
  EXPECT_TRUE(ran.empty());
  executor.SetPaused(false);
  scheduler.RunUntil(std::chrono::seconds(2));

  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(SimClockTest, ATimerIsNeverEarlyOnADriftingClock) {
  for (const std::int64_t drift_ppm : {-10'000, -1, 0, 1, 10'000}) {
    SimScheduler scheduler(1, false);
    SimClock clock(scheduler, MonotonicTime{std::chrono::hours(5)}, drift_ppm);
    for (int step = 1; step < 1000; ++step) {
      const MonotonicTime when = clock.Now() + Duration(step * 7919);
      scheduler.RunUntil(clock.SimTimeOf(when));
      ASSERT_GE(clock.Now(), when);
    }
  }
}

TEST(SimNetworkTest, ACutLinkLosesOneDirectionOnly) {
  SimScheduler scheduler(1, false);
  SimNetwork network(scheduler);
  std::string heard;
  const SimNetwork::Receiver receiver{
      .on_message = [&](NodeId, const std::string& payload) { heard += payload; }, .on_call = {}};
  network.Attach(NodeId(1), receiver);
  network.Attach(NodeId(2), receiver);
  network.Cut(NodeId(1), NodeId(2));

  network.Send(NodeId(1), NodeId(2), Channel::kControl, "a");
  network.Send(NodeId(2), NodeId(1), Channel::kControl, "b");
  scheduler.RunUntil(std::chrono::seconds(1));

  EXPECT_EQ(heard, "b");
}

// Node 1 calls node 2, which does with the call as the test says.
struct SimCallTest : testing::Test {
  void Serve(std::function<void(SimNetwork::Replier)> serve) {
    network.Attach(NodeId(2),
                   {.on_message = {},
                    .on_call = [serve = std::move(serve)](NodeId, CallKind, const std::string&,
                                                          SimNetwork::Replier reply) {
                      serve(std::move(reply));
                    }});
  }
  void Call() {
    transport.Call(NodeId(2), CallKind::kForward, "request", clock.Now() + std::chrono::seconds(1),
                   [&](Result<std::string> result) { results.push_back(std::move(result)); });
  }
  void Wait(Duration span) { scheduler.RunUntil(scheduler.now() + span); }

  SimScheduler scheduler{1, false};
  SimClock clock{scheduler, MonotonicTime{}, 0};
  SimExecutor executor{scheduler, clock};
  SimNetwork network{scheduler};
  SimTransport transport{network, NodeId(1), executor};
  std::vector<Result<std::string>> results;
};

TEST_F(SimCallTest, ACallIsAnsweredOnce) {
  Serve([](SimNetwork::Replier reply) { reply("reply"); });

  Call();
  Wait(std::chrono::seconds(2));

  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].value(), "reply");
}

TEST_F(SimCallTest, ADroppedReplyIsToldSoonAndALostOneAtTheDeadline) {
  Serve([](const SimNetwork::Replier&) {});
  Call();
  Wait(std::chrono::milliseconds(10));
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].error().code(), ErrorCode::kOutcomeUnknown);

  Serve([&](SimNetwork::Replier reply) {
    network.Cut(NodeId(2), NodeId(1));
    reply("lost");
  });
  Call();
  Wait(std::chrono::milliseconds(900));
  EXPECT_EQ(results.size(), 1u);
  Wait(std::chrono::milliseconds(200));

  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1].error().code(), ErrorCode::kOutcomeUnknown);
}

TEST_F(SimCallTest, ACallToNobodyIsNotTakenForOneThatLeft) {
  std::set<ErrorCode> codes;
  for (int i = 0; i < 50; ++i) Call();
  Wait(std::chrono::seconds(2));

  ASSERT_EQ(results.size(), 50u);
  for (const auto& result : results) codes.insert(result.error().code());
  EXPECT_EQ(codes, (std::set{ErrorCode::kUnavailable, ErrorCode::kOutcomeUnknown}));
}

TEST(ExpiryProbeTest, ANewerValueThatIsGoneIsFound) {
  Random random(1);
  ExpiryProbe probe;
  const auto answer = [&](const Reply& reply) {
    probe.NextCommand(random, 1);
    return probe.OnReply(reply);
  };

  EXPECT_EQ(answer(Reply::Ok()), std::nullopt);
  EXPECT_EQ(answer(Reply::Ok()), std::nullopt);
  EXPECT_EQ(answer(Reply::Bulk("new")), std::nullopt);
  EXPECT_EQ(answer(Reply::Null()), "GET expires:1:1 answers nil after SET expires:1:1 new");
}

TEST(ExpiryProbeTest, AnUnknownOutcomeEndsTheProbe) {
  Random random(1);
  ExpiryProbe probe;
  probe.NextCommand(random, 1);
  probe.GiveUp();

  EXPECT_FALSE(probe.IsUnderWay());
  EXPECT_EQ(probe.NextCommand(random, 1)[1], "expires:1:2");
}

}  // namespace
}  // namespace seshat
