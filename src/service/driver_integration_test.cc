// The service over the real group driver and core: a cluster of one, founded through the system
// group, on one thread and simulated time.
#include <gtest/gtest.h>

#include "seshat/raft/group_registry.h"
#include "seshat/resp/connection.h"
#include "seshat/service/service.h"
#include "seshat/service/system_state_machine.h"
#include "support/memory_snapshot_store.h"
#include "support/memory_state_store.h"
#include "test_ports.h"

namespace seshat {
namespace {

constexpr NodeId kSelf{1};

class DriverIntegrationTest : public testing::Test, public ReplySink {
 protected:
  DriverIntegrationTest() : log_(loop_) {
    store_.AddGroup(kSystemGroup);
    store_.AddGroup(kFirstDataGroup);
    ServiceOptions options;
    options.node = kSelf;
    ServicePorts ports;
    ports.clock = &loop_;
    ports.store = &store_;
    ports.transport = &transport_;
    ports.metrics = &metrics_;
    ports.groups = &groups_;
    ports.cluster = &cluster_;
    ports.snapshots = &keeper_;
    ports.fatal = &fatal_;
    ports.read_pool = {&loop_};
    ports.background = &loop_;
    service_ = std::make_unique<Service>(options, ports);
    StartGroup(kSystemGroup, SystemStateMachine::Open(store_, cluster_, {}).value());
    loop_.Advance(std::chrono::seconds(3));
  }

  ~DriverIntegrationTest() override {
    handler_.reset();
    service_->StopAccepting();
    for (const auto& [id, driver] : groups_.All()) driver->BeginStop([] {});
    loop_.Advance(std::chrono::seconds(2));
  }

  void StartGroup(GroupId group, std::unique_ptr<StateMachine> machine) {
    const Configuration members{.voters = {kSelf},
                                .voters_outgoing = {},
                                .learners = {},
                                .learners_next = {},
                                .auto_leave = false};
    ASSERT_TRUE(log_.CreateGroup(group, InitialSnapshotRow(members, loop_.WallNow())).has_value());
    GroupDriverOptions options;
    options.core.id = kSelf;
    GroupPorts ports;
    ports.raft = &loop_;
    ports.apply = &loop_;
    ports.clock = &loop_;
    ports.log = &log_;
    ports.snapshots = &snapshots_;
    ports.snapshot_worker = &loop_;
    ports.transport = &transport_;
    ports.fatal = &fatal_;
    ports.metrics = &metrics_;
    auto driver = GroupDriver::Open(group, options, ports, std::move(machine));
    ASSERT_TRUE(driver.has_value()) << driver.error().message();
    groups_.Add(group, std::shared_ptr<GroupDriver>(*std::move(driver)));
    groups_.Find(group)->Start();
  }

  std::string ProposeSystem(std::string command) {
    std::string answer;
    service_->ProposeSystemCommand(std::move(command), [&](Result<Reply> reply) {
      answer = reply ? reply->text : reply.error().message();
    });
    loop_.Advance(std::chrono::milliseconds(10));
    return answer;
  }

  // Founds the cluster, starts its data group and connects a client.
  void Found() {
    ClusterMember self;
    self.id = kSelf;
    self.client_address = "127.0.0.1:6379";
    EXPECT_EQ(ProposeSystem(
                  EncodeBootstrapCluster(InitialClusterState(std::string(16, 'c'), {self}, {}))),
              "OK");
    auto machine = DataStateMachine::Open(store_, {}).value();
    const std::shared_ptr<DataGroupInfo> info = machine->info();
    StartGroup(kFirstDataGroup, std::move(machine));
    service_->AddDataGroup(kFirstDataGroup, groups_.Find(kFirstDataGroup), info);
    std::string refusal;
    handler_ = service_->Accept({"127.0.0.1:1", "127.0.0.1:6379", true}, *this, loop_, refusal);
  }

  std::string Run(std::vector<std::string_view> arguments) {
    const Arguments request(arguments);
    handler_->OnRequests(std::span(&request, 1));
    for (int i = 0; i < 3000 && received_.empty(); ++i) {
      loop_.Advance(std::chrono::milliseconds(1));
    }
    return std::exchange(received_, {});
  }

  // Commands in one go, with all that comes of them within 200 ms.
  std::string RunAll(const std::vector<std::vector<std::string_view>>& commands) {
    const std::vector<Arguments> requests(commands.begin(), commands.end());
    handler_->OnRequests(requests);
    loop_.Advance(std::chrono::milliseconds(200));
    return std::exchange(received_, {});
  }
  // The field's value in INFO.
  std::string Info(std::string_view section, const std::string& field) {
    loop_.Advance(std::chrono::milliseconds(150));  // a status may be 100 ms old
    const std::string info = Run({"INFO", section});
    const std::size_t at = info.find("\r\n" + field + ":");
    if (at == std::string::npos) return "no " + field;
    const std::size_t from = at + field.size() + 3;
    return info.substr(from, info.find("\r\n", from) - from);
  }
  std::string WallSeconds() const { return std::to_string(loop_.WallNow().value / 1000); }

  void Send(std::string bytes) override { received_ += bytes; }
  void CloseAfterFlush() override {}
  void ResumeReading() override {}

  TestLoop loop_;
  MemoryStateStore store_;
  MemoryLogStore log_;
  TestTransport transport_;
  TestMetrics metrics_;
  RecordedFatal fatal_;
  GroupRegistry groups_;
  MemorySnapshotStore snapshots_{store_};
  SnapshotKeeper keeper_{{},
                         {.store = &snapshots_,
                          .groups = &groups_,
                          .clock = &loop_,
                          .worker = &loop_,
                          .may_take = [] { return Status(); },
                          .on_taken = [](const Status&, const std::string&, Duration) {}}};
  ClusterStateSource cluster_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<RequestHandler> handler_;
  std::string received_;
};

TEST_F(DriverIntegrationTest, AFoundedClusterServesWritesAndReads) {
  Found();

  EXPECT_EQ(Run({"SET", "k", "v"}), "+OK\r\n");
  EXPECT_EQ(Run({"GET", "k"}), "$1\r\nv\r\n");
  EXPECT_EQ(Run({"DBSIZE"}), ":1\r\n");
  EXPECT_FALSE(fatal_.stopped.has_value());
}

TEST_F(DriverIntegrationTest, KeysExpireWithinMilliseconds) {
  Found();

  Run({"SET", "k", "v", "PX", "200"});
  loop_.Advance(std::chrono::milliseconds(150));
  EXPECT_EQ(Run({"DBSIZE"}), ":1\r\n");
  loop_.Advance(std::chrono::milliseconds(60));

  EXPECT_EQ(Run({"DBSIZE"}), ":0\r\n");
  EXPECT_EQ(Run({"GET", "k"}), "$-1\r\n");
}

TEST_F(DriverIntegrationTest, ASecondBootstrapChangesNothing) {
  Found();

  EXPECT_EQ(
      ProposeSystem(EncodeBootstrapCluster(InitialClusterState(std::string(16, 'x'), {}, {}))),
      "ERR the cluster exists already");
  EXPECT_EQ(cluster_.Get()->cluster_id, std::string(16, 'c'));
}

TEST_F(DriverIntegrationTest, AWaitForNobodyEndsAtItsTimeoutToTheMillisecond) {
  Found();
  Run({"SET", "k", "v"});
  EXPECT_EQ(Run({"WAIT", "0", "0"}), ":0\r\n");

  const MonotonicTime start = loop_.Now();
  EXPECT_EQ(Run({"WAIT", "1", "250"}), ":0\r\n");

  EXPECT_EQ(loop_.Now() - start, std::chrono::milliseconds(250));
}

TEST_F(DriverIntegrationTest, AWaitEndsWhenItsGroupStops) {
  Found();
  const std::vector<std::string_view> arguments{"WAIT", "1", "0"};
  const Arguments request(arguments);
  handler_->OnRequests(std::span(&request, 1));
  loop_.Advance(std::chrono::milliseconds(100));
  EXPECT_EQ(received_, "");

  groups_.Find(kFirstDataGroup)->BeginStop([] {});
  loop_.Advance(std::chrono::milliseconds(100));

  EXPECT_EQ(received_, "-CLUSTERDOWN the node is stopping\r\n");
}

TEST_F(DriverIntegrationTest, BgSaveKeepsASnapshotAndLastSaveTellsWhen) {
  const std::string started = WallSeconds();
  Found();
  Run({"SET", "k", "v"});
  loop_.Advance(std::chrono::seconds(5));
  EXPECT_NE(WallSeconds(), started);
  EXPECT_EQ(Info("persistence", "rdb_last_bgsave_time_sec"), "-1");
  EXPECT_EQ(Info("persistence", "rdb_saves"), "0");
  const std::string before = Run({"LASTSAVE"});

  EXPECT_EQ(Run({"BGSAVE"}), "+Background saving started\r\n");
  loop_.Advance(std::chrono::milliseconds(1));
  const std::string saved = WallSeconds();
  loop_.Advance(std::chrono::seconds(2));

  EXPECT_NE(before, ":" + saved + "\r\n");
  EXPECT_EQ(Run({"LASTSAVE"}), ":" + saved + "\r\n");
  EXPECT_EQ(snapshots_.Kept().size(), 1u);
  EXPECT_EQ(Info("persistence", "rdb_last_save_time"), saved);
  EXPECT_EQ(Info("persistence", "rdb_last_bgsave_status"), "ok");
  EXPECT_EQ(Info("persistence", "rdb_last_bgsave_time_sec"), "0");
  EXPECT_EQ(Info("persistence", "rdb_current_bgsave_time_sec"), "-1");
  EXPECT_EQ(Info("persistence", "rdb_saves"), "1");
}

TEST_F(DriverIntegrationTest, WithoutASnapshotLastSaveIsTheStart) {
  const std::string started = std::to_string((loop_.WallNow().value - 3000) / 1000);
  Found();
  loop_.Advance(std::chrono::seconds(60));

  EXPECT_EQ(Run({"LASTSAVE"}), ":" + started + "\r\n");
  EXPECT_EQ(Info("persistence", "rdb_last_save_time"), started);
}

TEST_F(DriverIntegrationTest, InfoCountsTheEntriesSinceTheLastSnapshot) {
  Found();
  Run({"SET", "k", "v"});
  const std::string index = Info("raft", "group_1_applied_index");
  EXPECT_EQ(Info("persistence", "rdb_changes_since_last_save"), index);
  EXPECT_EQ(Info("raft", "group_1_snapshot_index"), "0");

  RunAll({{"BGSAVE"}});

  EXPECT_EQ(Info("persistence", "rdb_changes_since_last_save"), "0");
  EXPECT_EQ(Info("raft", "group_1_snapshot_index"), index);
  EXPECT_EQ(Info("raft", "group_1_snapshots_installed"), "0");
  EXPECT_NE(Info("raft", "group_1_log_size_bytes"), "0");
  Run({"SET", "k", "w"});
  Run({"SET", "k", "x"});
  EXPECT_EQ(Info("persistence", "rdb_changes_since_last_save"), "2");
}

TEST_F(DriverIntegrationTest, WhileASnapshotIsTakenAnotherBgSaveIsRefusedScheduledOrNot) {
  Found();
  const std::vector<std::string_view> arguments{"BGSAVE"};
  const Arguments request(arguments);
  handler_->OnRequests(std::span(&request, 1));

  const std::string replies = RunAll({{"bgsave"}, {"BGSAVE", "SCHEDULE"}, {"INFO", "persistence"}});

  EXPECT_TRUE(
      replies.starts_with("+Background saving started\r\n"
                          "-ERR Background save already in progress\r\n"
                          "-ERR Background save already in progress\r\n"))
      << replies;
  EXPECT_NE(replies.find("rdb_bgsave_in_progress:1\r\n"), std::string::npos) << replies;
  EXPECT_NE(replies.find("rdb_current_bgsave_time_sec:0\r\n"), std::string::npos) << replies;
  EXPECT_EQ(Info("persistence", "rdb_bgsave_in_progress"), "0");
  EXPECT_EQ(Run({"BGSAVE", "schedule"}), "+Background saving started\r\n");
}

TEST_F(DriverIntegrationTest, ABgSaveHoldsWhatItsConnectionWroteBefore) {
  Found();

  EXPECT_EQ(RunAll({{"SET", "k", "v"}, {"BGSAVE"}}), "+OK\r\n+Background saving started\r\n");

  EXPECT_EQ(Info("persistence", "rdb_changes_since_last_save"), "0");
}

TEST_F(DriverIntegrationTest, ASnapshotThatFailsIsAnErrorInInfoAndDoesNotMoveLastSave) {
  Found();
  const std::string before = Run({"LASTSAVE"});
  loop_.Advance(std::chrono::seconds(5));
  snapshots_.FailTakes(Error(ErrorCode::kResourceExhausted, "the disk is full"));

  EXPECT_EQ(RunAll({{"BGSAVE"}}), "+Background saving started\r\n");

  EXPECT_EQ(Info("persistence", "rdb_last_bgsave_status"), "err");
  EXPECT_EQ(Run({"LASTSAVE"}), before);
  snapshots_.FailTakes(std::nullopt);
  RunAll({{"BGSAVE"}});
  EXPECT_EQ(Info("persistence", "rdb_last_bgsave_status"), "ok");
  EXPECT_NE(Run({"LASTSAVE"}), before);
}

TEST_F(DriverIntegrationTest, WritesToAStoppedGroupAreNotApplied) {
  Found();
  Run({"SET", "k", "v"});

  groups_.Find(kFirstDataGroup)->BeginStop([] {});
  loop_.Advance(std::chrono::milliseconds(100));
  const std::vector<std::string_view> arguments{"SET", "k", "w"};
  const Arguments request(arguments);
  handler_->OnRequests(std::span(&request, 1));
  loop_.Advance(std::chrono::seconds(6));

  EXPECT_TRUE(received_.ends_with("; not applied\r\n")) << received_;
}

}  // namespace
}  // namespace seshat
