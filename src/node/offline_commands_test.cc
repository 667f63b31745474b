// RestoreSnapshot and RecoverDirectory on the directories of three real nodes: what comes of them,
// and the power or an operation of the disk failing anywhere. tests/process/test_restore.py and
// test_recover.py start nodes on what they leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "data_directory.h"
#include "directory_recovery.h"
#include "faulty_disk.h"
#include "seshat/admin/admin_client.h"
#include "seshat/admin/prometheus_metrics.h"
#include "seshat/node/directory_inspection.h"
#include "seshat/node/node.h"
#include "seshat/node/real_ports.h"
#include "snapshot_restore.h"
#include "test_node_sockets.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kKeys = 20;

// kKeys keys, then a snapshot on the node that is asked, then one key more.
void Fill(const Node& node) {
  const int client = Connect(node.addresses().client);
  ASSERT_GE(client, 0);
  const auto ask = [client](const std::string& command, std::string_view expected) {
    const std::string line = command + "\r\n";
    EXPECT_EQ(::send(client, line.data(), line.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(line.size()));
    std::string reply(expected.size(), '\0');
    EXPECT_EQ(::recv(client, reply.data(), reply.size(), MSG_WAITALL),
              static_cast<ssize_t>(reply.size()));
    EXPECT_EQ(reply, expected);
  };
  const auto set = [&ask](std::uint64_t key) {
    ask("SET key" + std::to_string(key) + " value EX 3600", "+OK\r\n");
  };
  for (std::uint64_t key = 0; key < kKeys; ++key) set(key);
  ask("DBSIZE", ":" + std::to_string(kKeys) + "\r\n");  // has applied them here
  const Result<AdminResponse> taken =
      AdminPost(node.addresses().admin.ToString(), "/snapshot", kDeadline);
  EXPECT_TRUE(taken && taken->status == 200);
  set(kKeys);
  ask("DBSIZE", ":" + std::to_string(kKeys + 1) + "\r\n");
  ::close(client);
}

// A cluster of three that has stopped: of node 1 the directory, with a snapshot in it.
void MakeCluster(const fs::path& root) {
  std::vector<NodeConfig> configs;
  std::vector<FoundingMember> members;
  for (const std::uint64_t id : {1, 2, 3}) {
    members.push_back({NodeId(id), {"127.0.0.1", FreePort()}});
  }
  std::vector<std::unique_ptr<Node>> nodes;
  for (const FoundingMember& member : members) {
    NodeConfig config;
    config.node_id = member.node;
    config.data_dir = (root / std::to_string(member.node.value())).string();
    config.client_addr.port = 0;
    config.admin_addr.port = 0;
    config.internal_addr = member.internal_address;
    config.initial_members = members;
    config.bootstrap = true;
    config.limits.clients_max = 100;
    Result<std::unique_ptr<Node>> node = Node::Start(config, [](const Error&) {});
    ASSERT_TRUE(node) << node.error().message();
    nodes.push_back(*std::move(node));
  }
  for (const std::unique_ptr<Node>& node : nodes) {
    ASSERT_TRUE(Eventually([&] {
      const Result<AdminResponse> ready =
          AdminGet(node->addresses().admin.ToString(), "/ready", std::chrono::seconds(5));
      return ready && ready->status == 200;
    }));
  }
  Fill(*nodes.front());
  for (const std::unique_ptr<Node>& node : nodes) node->Stop();
}

// Threads: thread-safe.
class CountingFatal final : public FatalHandler {
 public:
  void StopNode(const Error&) override { is_stopped = true; }
  std::atomic<bool> is_stopped{false};
};

class OfflineCommandsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // Each test may run in a process of its own, beside others.
    source_ = fs::canonical(testing::TempDir()) /
              ("seshat_offline_commands_" + std::to_string(::getpid()));
    fs::remove_all(source_);
    MakeCluster(source_);
    for (const auto& entry : fs::directory_iterator(source_ / "1" / "snapshots")) {
      snapshot_ = entry.path();
    }
    ASSERT_FALSE(snapshot_.empty());
  }
  static void TearDownTestSuite() { fs::remove_all(source_); }

  OfflineCommandsTest()
      : root_(fs::canonical(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(root_);
  }
  ~OfflineCommandsTest() override { fs::remove_all(root_); }

  OfflinePorts Ports() {
    return {.clock = &clock_, .rng = &rng_, .fatal = &fatal_, .metrics = &metrics_};
  }
  RestoreOptions Restoring(std::uint64_t node = 1) const {
    return {.snapshot = snapshot_,
            .data_dir = data_dir_,
            .node = NodeId(node),
            .members = {{NodeId(1), {"127.0.0.1", 1}}, {NodeId(2), {"127.0.0.1", 2}}},
            .cluster_name = ""};
  }
  // A node's directory, to be written to.
  void CopyNode(std::uint64_t node = 1) const {
    fs::create_directories(root_);
    fs::copy(source_ / std::to_string(node), data_dir_, fs::copy_options::recursive);
  }
  static DirectoryInspection Inspect(const fs::path& data_dir) {
    Result<DirectoryInspection> inspection = InspectDirectory({.data_dir = data_dir});
    EXPECT_TRUE(inspection) << inspection.error().message();
    return inspection ? *std::move(inspection) : DirectoryInspection();
  }
  // Sound, with that many keys, and these voters alone in every group.
  static void ExpectFounded(const fs::path& data_dir, std::uint64_t keys,
                            const std::vector<NodeId>& voters) {
    const DirectoryInspection inspection = Inspect(data_dir);
    EXPECT_THAT(inspection.damage, IsEmpty());
    ASSERT_EQ(inspection.groups.size(), 2);
    for (const InspectedGroup& group : inspection.groups) {
      EXPECT_EQ(group.members.voters, voters);
      EXPECT_THAT(group.members.voters_outgoing, IsEmpty());
      EXPECT_THAT(group.members.learners, IsEmpty());
      EXPECT_EQ(group.vote, kNoNode);
      EXPECT_EQ(group.applied, group.compacted_to);
      EXPECT_EQ(group.records, 0);
    }
    EXPECT_EQ(inspection.groups.back().key_count, keys);
  }
  static const NodeIdentity Identity(const fs::path& data_dir) {
    const Result<std::optional<NodeIdentity>> identity = ReadIdentity(data_dir);
    EXPECT_TRUE(identity && identity->has_value());
    return identity && identity->has_value() ? **identity : NodeIdentity();
  }
  // Whether a node may start there; without an IDENTITY it would be an empty one's.
  Status MayStart(std::uint64_t node = 1) {
    const Result<std::optional<NodeIdentity>> identity = ReadIdentity(data_dir_);
    if (!identity) return std::unexpected(identity.error());
    NodeConfig config;
    config.node_id = NodeId(node);
    config.data_dir = data_dir_;
    const Result<IdentityDecision> decision = DecideIdentity(config, *identity, true, rng_);
    if (!decision) return std::unexpected(decision.error());
    return {};
  }

  using Command = std::function<Status(const OfflinePorts&)>;
  // After a failure, on a disk that works: whether the command had been promised.
  using Check = std::function<void(bool promised)>;
  void FailEverywhere(const std::function<void()>& prepare, const Command& command,
                      const Check& check);

  static inline fs::path source_;
  static inline fs::path snapshot_;
  const fs::path root_;
  const fs::path data_dir_ = root_ / "data";
  SystemClock clock_;
  SystemRng rng_;
  CountingFatal fatal_;
  PrometheusMetrics metrics_;
};

void OfflineCommandsTest::FailEverywhere(const std::function<void()>& prepare,
                                         const Command& command, const Check& check) {
  Random random(1);
  int failures = 0;
  // One life; false when the failure never came.
  const auto live = [&](const std::function<void(FaultyDisk&)>& arm,
                        const std::function<bool(const FaultyDisk&)>& came) {
    fs::remove_all(root_);
    prepare();
    FaultyDisk disk(root_);
    CountingFatal fatal;
    OfflinePorts ports = Ports();
    ports.fatal = &fatal;
    ports.env = disk.env();
    arm(disk);
    bool promised = command(ports).has_value();
    promised = promised && !disk.power_is_off() && !fatal.is_stopped;
    const bool is_in_time = came(disk);
    disk.CutPower();
    disk.Restart();
    if (random.Chance(3, 4)) disk.LoseUnsynced(random);
    if (is_in_time) ++failures;
    check(promised);
    return is_in_time && !HasFailure();
  };
  const char* const given = std::getenv("SESHAT_CRASH_STRIDE");
  const int stride = given == nullptr ? 8 : std::atoi(given);
  int operations = 0;
  live([](FaultyDisk&) {},
       [&](const FaultyDisk& disk) {
         operations = disk.operations();
         return false;
       });
  // Each of the last ones, in which the groups are moved and IDENTITY is written.
  constexpr int kLastOperations = 24;
  for (int nth = 1; nth <= operations && !HasFailure();
       nth += nth + kLastOperations > operations ? 1 : stride) {
    SCOPED_TRACE("power failure at operation " + std::to_string(nth) + " of " +
                 std::to_string(operations));
    live([&](FaultyDisk& disk) { disk.CutPowerAt(nth); },
         [](const FaultyDisk& disk) { return disk.power_is_off(); });
  }
  // Not the log: see failing_operation_test.cc. Nor the manifest: RocksDB then removes files that
  // it has named there, where a process has ended long before.
  for (const FileKind kind : {FileKind::kTable, FileKind::kFolder, FileKind::kOther}) {
    for (const DiskOperation operation :
         {DiskOperation::kCreate, DiskOperation::kSync, DiskOperation::kRename}) {
      for (int nth = 1; !HasFailure(); nth += stride) {
        SCOPED_TRACE("failure of kind " + std::to_string(static_cast<int>(kind)) + ", operation " +
                     std::to_string(static_cast<int>(operation)) + ", number " +
                     std::to_string(nth));
        if (!live([&](FaultyDisk& disk) { disk.Fail(kind, operation, nth); },
                  [](const FaultyDisk& disk) { return disk.has_failed(); })) {
          break;
        }
      }
    }
  }
  std::cout << failures << " failures\n";
  EXPECT_GT(failures, 10);
}

TEST_F(OfflineCommandsTest, ARestoredDirectoryBeginsAClusterOfTheMembers) {
  const Result<RestoredDirectory> restored = RestoreSnapshotOn(Ports(), Restoring());

  ASSERT_TRUE(restored) << restored.error().message();
  ExpectFounded(data_dir_, kKeys, {NodeId(1), NodeId(2)});
  EXPECT_EQ(ToHex(Identity(data_dir_).cluster_id), restored->cluster_id);
  EXPECT_NE(restored->cluster_id, restored->former_cluster_id);
  EXPECT_TRUE(MayStart());
}

TEST_F(OfflineCommandsTest, MembersAgreeOnAllButTheirOwnIdentity) {
  ASSERT_TRUE(RestoreSnapshotOn(Ports(), Restoring(1)));
  RestoreOptions other = Restoring(2);
  other.data_dir = root_ / "other";
  ASSERT_TRUE(RestoreSnapshotOn(Ports(), other));

  const NodeIdentity one = Identity(data_dir_);
  const NodeIdentity two = Identity(other.data_dir);
  EXPECT_EQ(one.cluster_id, two.cluster_id);
  EXPECT_EQ(one.bootstrap_hash, two.bootstrap_hash);
  EXPECT_NE(one.store_id, two.store_id);
  EXPECT_EQ(two.node_id, NodeId(2));
  const DirectoryInspection first = Inspect(data_dir_);
  const DirectoryInspection second = Inspect(other.data_dir);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(first.groups[i].digest, second.groups[i].digest);
    EXPECT_EQ(first.groups[i].applied, second.groups[i].applied);
    EXPECT_EQ(first.groups[i].applied_term, second.groups[i].applied_term);
    EXPECT_EQ(first.groups[i].term, second.groups[i].term);
  }
}

TEST_F(OfflineCommandsTest, TheClustersIdFollowsFromAllThatMembersMustBeGivenAlike) {
  const std::vector<RestoredGroup> groups{{.group = kFirstDataGroup,
                                           .index = LogIndex(5),
                                           .term = Term(2),
                                           .key_count = 3,
                                           .digest = 4}};
  const RestoreOptions options = Restoring();
  const std::string hash = RestoredClusterHash(options, "former", groups);
  RestoreOptions other_name = options;
  other_name.cluster_name = "x";
  RestoreOptions other_member = options;
  other_member.members.back().internal_address.port = 9;
  RestoreOptions other_node = Restoring(2);
  std::vector<RestoredGroup> other_digest = groups;
  other_digest.front().digest = 5;
  std::vector<RestoredGroup> other_index = groups;
  other_index.front().index = LogIndex(6);

  EXPECT_EQ(hash.size(), 32);
  EXPECT_EQ(RestoredClusterHash(other_node, "former", groups), hash);
  EXPECT_NE(RestoredClusterHash(other_name, "former", groups), hash);
  EXPECT_NE(RestoredClusterHash(other_member, "former", groups), hash);
  EXPECT_NE(RestoredClusterHash(options, "another", groups), hash);
  EXPECT_NE(RestoredClusterHash(options, "former", other_digest), hash);
  EXPECT_NE(RestoredClusterHash(options, "former", other_index), hash);
  // A node that was forgotten and starts empty with the same list must not take part.
  EXPECT_NE(BootstrapHash("", options.members), hash);
}

TEST_F(OfflineCommandsTest, ANodeThatIsNoMemberIsRefused) {
  const Result<RestoredDirectory> restored = RestoreSnapshotOn(Ports(), Restoring(3));

  EXPECT_EQ(restored.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(fs::exists(data_dir_));
}

TEST_F(OfflineCommandsTest, ANodesDirectoryIsNoTarget) {
  CopyNode();
  const NodeIdentity before = Identity(data_dir_);

  EXPECT_EQ(RestoreSnapshotOn(Ports(), Restoring()).error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Identity(data_dir_), before);
  // Nor is one that lost its IDENTITY, or one that a recovery left half done.
  NodeIdentity half_done = before;
  half_done.unfinished = kRecoverCommand;
  ASSERT_TRUE(WriteIdentity(data_dir_, half_done));
  EXPECT_EQ(RestoreSnapshotOn(Ports(), Restoring()).error().code(), ErrorCode::kFailedPrecondition);
  fs::remove(data_dir_ / "IDENTITY");
  EXPECT_EQ(RestoreSnapshotOn(Ports(), Restoring()).error().code(), ErrorCode::kFailedPrecondition);
  fs::remove_all(data_dir_ / "snapshots");
  EXPECT_THAT(RestoreSnapshotOn(Ports(), Restoring()).error().message(),
              HasSubstr("data and no IDENTITY"));
}

TEST_F(OfflineCommandsTest, ARestoreThatFailsAnywhereIsRefusedByNodesAndFinishedByTheNext) {
  const auto restore = [this](const OfflinePorts& ports) -> Status {
    const Result<RestoredDirectory> restored = RestoreSnapshotOn(ports, Restoring());
    if (!restored) return std::unexpected(restored.error());
    return {};
  };
  const auto check = [&](bool promised) {
    const Status may_start = MayStart();
    EXPECT_TRUE(may_start || !promised);
    if (!may_start) {
      const Status again = restore(Ports());
      ASSERT_TRUE(again) << again.error().message();
    }
    ExpectFounded(data_dir_, kKeys, {NodeId(1), NodeId(2)});
    EXPECT_TRUE(MayStart());
  };

  FailEverywhere([] {}, restore, check);
}

TEST_F(OfflineCommandsTest, ARecoveredDirectoryIsAClusterOfItself) {
  CopyNode(2);
  const NodeIdentity former = Identity(data_dir_);
  const Result<RecoveryPlan> plan = PlanRecovery(data_dir_);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->members.size(), 3);
  EXPECT_FALSE(plan->is_resumed);

  const Result<RecoveredDirectory> recovered = RecoverDirectoryOn(Ports(), data_dir_);

  ASSERT_TRUE(recovered) << recovered.error().message();
  ExpectFounded(data_dir_, kKeys + 1, {NodeId(2)});
  const NodeIdentity identity = Identity(data_dir_);
  EXPECT_EQ(identity.node_id, NodeId(2));
  EXPECT_NE(identity.cluster_id, former.cluster_id);
  EXPECT_NE(identity.store_id, former.store_id);
  EXPECT_EQ(ToHex(identity.cluster_id), recovered->cluster_id);
  const DirectoryInspection inspection = Inspect(data_dir_);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GT(inspection.groups[i].applied, plan->groups[i].last);
    EXPECT_GT(inspection.groups[i].term, plan->groups[i].term);
  }
  EXPECT_EQ(RecoverDirectoryOn(Ports(), data_dir_).error().code(), ErrorCode::kFailedPrecondition);
}

TEST_F(OfflineCommandsTest, WhatIsInQuarantineOrHalfRestoredIsNotRecoveredFrom) {
  CopyNode();
  NodeIdentity identity = Identity(data_dir_);
  identity.quarantine = "it differs";
  ASSERT_TRUE(WriteIdentity(data_dir_, identity));
  EXPECT_THAT(PlanRecovery(data_dir_).error().message(), HasSubstr("it differs"));
  EXPECT_EQ(RecoverDirectoryOn(Ports(), data_dir_).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(Identity(data_dir_), identity);

  identity.quarantine.clear();
  identity.unfinished = kRestoreCommand;
  ASSERT_TRUE(WriteIdentity(data_dir_, identity));
  EXPECT_THAT(PlanRecovery(data_dir_).error().message(), HasSubstr(kRestoreCommand));
}

TEST_F(OfflineCommandsTest, ARecoveryThatFailsAnywhereIsRefusedByNodesAndFinishedByTheNext) {
  const std::string former = Identity(source_ / "1").cluster_id;
  const auto recover = [this](const OfflinePorts& ports) -> Status {
    const Result<RecoveredDirectory> recovered = RecoverDirectoryOn(ports, data_dir_);
    if (!recovered) return std::unexpected(recovered.error());
    return {};
  };
  const auto check = [&](bool promised) {
    const Status may_start = MayStart();
    const bool is_former = Identity(data_dir_).cluster_id == former;
    EXPECT_TRUE(!promised || (may_start && !is_former));
    if (may_start && is_former) {
      // Untouched: it could go on in its old cluster.
      EXPECT_THAT(Inspect(data_dir_).damage, IsEmpty());
    }
    if (!may_start || is_former) {
      const Status again = recover(Ports());
      ASSERT_TRUE(again) << again.error().message();
    }
    ExpectFounded(data_dir_, kKeys + 1, {NodeId(1)});
    EXPECT_TRUE(MayStart());
  };

  FailEverywhere([this] { CopyNode(); }, recover, check);
}

}  // namespace
}  // namespace seshat
