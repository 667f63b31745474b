#include "group_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "seshat/base/mutex.h"
#include "seshat/node/log.h"
#include "seshat/ports/state_store.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

// A transfer ends by itself before that; but not in a node that has failed.
constexpr Duration kHandOverMax = std::chrono::seconds(5);
// What peers say of their disks comes with heartbeats, and must not lag behind.
constexpr std::uint64_t kHeartbeatsSustained = 10;

// The system group and the data groups on different threads, where there are cores for it.
std::size_t LaneCount() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 4);
}

SlowDiskOptions SlowDiskOptionsOf(const NodeConfig& config) {
  SlowDiskOptions options;
  options.hands_over = config.slow_disk.hand_over;
  options.sync_min = std::chrono::milliseconds(config.slow_disk.sync_ms_min);
  options.factor = config.slow_disk.factor;
  options.sustained = std::chrono::milliseconds(
      std::max(config.slow_disk.sustained_ms, kHeartbeatsSustained * config.heartbeat_ms));
  options.pause = std::chrono::seconds(config.slow_disk.pause_seconds);
  return options;
}

GroupDriverOptions DriverOptions(const NodeConfig& config, std::uint64_t seed) {
  GroupDriverOptions options;
  options.core.id = config.node_id;
  options.core.seed = seed;
  options.core.heartbeat_interval = std::chrono::milliseconds(config.heartbeat_ms);
  options.core.election_timeout_min = std::chrono::milliseconds(config.election_timeout_min_ms);
  options.core.election_timeout_max = std::chrono::milliseconds(config.election_timeout_max_ms);
  options.core.stickiness = options.core.election_timeout_min;
  options.core.uncommitted_bytes_max = config.limits.proposal_bytes_max;
  options.core.cached_bytes_max =
      std::min<std::size_t>(options.core.cached_bytes_max, config.limits.log_memory_bytes_max / 8);
  options.proposals_max = config.limits.proposals_max;
  options.proposal_bytes_max = config.limits.proposal_bytes_max;
  options.read_timeout = std::chrono::milliseconds(config.rpc_timeout_ms);
  options.log_tail_bytes = config.snapshots.log_tail_bytes;
  options.log_bytes_max = config.limits.log_bytes_max;
  options.slow_disk = SlowDiskOptionsOf(config);
  return options;
}

SnapshotPolicy PolicyOf(const SnapshotSettings& settings) {
  SnapshotPolicy policy;
  policy.entries = settings.entries;
  policy.interval = std::chrono::seconds(settings.interval_seconds);
  policy.log_bytes = settings.log_bytes;
  return policy;
}

void LogSnapshotEvent(const SnapshotEvent& event) {
  const LogField group("group", event.group.value());
  const LogField from("from", event.from.value());
  const LogField index("index", event.index.value());
  switch (event.kind) {
    case SnapshotEvent::Kind::kFetching:
      return Log(LogLevel::kInfo, "node", "fetching a snapshot", {group, from, index});
    case SnapshotEvent::Kind::kInstalled:
      return Log(LogLevel::kInfo, "node", "installed a snapshot", {group, from, index});
    case SnapshotEvent::Kind::kFailed:
      return Log(LogLevel::kWarn, "node", "could not fetch a snapshot",
                 {group, from, index, {"why", event.why}});
  }
}

void LogSlowDisk(const SlowDiskEvent& event) {
  const auto milliseconds = [](Duration span) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count());
  };
  const LogField group("group", event.group.value());
  const LogField to("to", event.to.value());
  const LogField own("sync_ms", milliseconds(event.own));
  const LogField theirs("sync_ms_there", milliseconds(event.theirs));
  switch (event.kind) {
    case SlowDiskEvent::Kind::kHandingOver:
      return Log(LogLevel::kWarn, "node",
                 "this node's disk is slow, another's is not: handing leadership over",
                 {group, to, own, theirs});
    case SlowDiskEvent::Kind::kHandedOver:
      return Log(LogLevel::kInfo, "node", "handed leadership over: this node's disk is slow",
                 {group, to});
    case SlowDiskEvent::Kind::kFailed:
      return Log(LogLevel::kWarn, "node",
                 "this node's disk is slow, but it could not hand leadership over",
                 {group, to, own, theirs, {"why", event.why}});
  }
}

void LogSnapshot(const Status& taken, const std::string& name, Duration took) {
  const auto took_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  if (taken) {
    Log(LogLevel::kInfo, "node", "took a snapshot", {{"name", name}, {"took_ms", took_ms}});
  } else {
    Log(LogLevel::kWarn, "node", "could not take a snapshot",
        {{"why", taken.error().message()}, {"took_ms", took_ms}});
  }
}

}  // namespace

GroupHost::GroupHost(const NodeConfig& config, const GroupHostPorts& ports)
    : config_(config), ports_(ports) {
  for (std::size_t i = 0; i < LaneCount(); ++i) {
    raft_lanes_.push_back(
        std::make_unique<ThreadExecutor>(fmt::format("raft-{}", i), *ports_.clock));
    apply_lanes_.push_back(
        std::make_unique<ThreadExecutor>(fmt::format("apply-{}", i), *ports_.clock));
  }
  log_reader_ = std::make_unique<ThreadExecutor>("log-reader", *ports_.clock);
  snapshot_worker_ =
      std::make_unique<ThreadExecutor>("snapshots", *ports_.clock, ThreadPriority::kBackground);
  snapshot_reader_ =
      std::make_unique<ThreadExecutor>("snapshot-read", *ports_.clock, ThreadPriority::kBackground);
  keeper_ = std::make_unique<SnapshotKeeper>(
      PolicyOf(config_.snapshots), SnapshotKeeperPorts{.store = ports_.snapshots,
                                                       .groups = &registry_,
                                                       .clock = ports_.clock,
                                                       .worker = snapshot_worker_.get(),
                                                       .may_take = ports_.may_take_snapshot,
                                                       .on_taken = LogSnapshot});
  SnapshotSenderOptions sending;
  sending.node = config_.node_id;
  sending.bytes_per_second_max = config_.snapshots.send_bytes_per_second_max;
  sender_ = std::make_unique<SnapshotSender>(sending,
                                             SnapshotSenderPorts{.store = ports_.snapshots,
                                                                 .worker = snapshot_reader_.get(),
                                                                 .clock = ports_.clock,
                                                                 .metrics = ports_.metrics});
  keeper_->Start();
}

GroupHost::~GroupHost() {
  Stop();
}

Status GroupHost::OpenSystemGroup(const std::vector<NodeId>& voters, ClusterStateSource& source,
                                  StateReports::Listener on_odd) {
  if (Status created = CreateIfMissing(kSystemGroup, voters); !created) return created;
  Result<std::unique_ptr<SystemStateMachine>> machine =
      SystemStateMachine::Open(*ports_.state, source, std::move(on_odd));
  if (!machine) return std::unexpected(machine.error());
  Result<std::shared_ptr<GroupDriver>> driver = OpenDriver(kSystemGroup, *std::move(machine));
  if (!driver) return std::unexpected(driver.error());
  Start(kSystemGroup, *driver);
  return {};
}

Result<HostedDataGroup> GroupHost::OpenDataGroup(const ShardPlacement& shard,
                                                 const ReplicatedLimits& limits) {
  // A node that joins knows no voters: the leader tells it.
  const bool is_founder = std::ranges::count(shard.Founders(), config_.node_id) > 0;
  const std::vector<NodeId> voters = is_founder ? shard.Founders() : std::vector<NodeId>{};
  if (Status created = CreateIfMissing(shard.group, voters); !created) {
    return std::unexpected(created.error());
  }
  DataStateMachineOptions options;
  options.group = shard.group;
  options.limits = limits;
  options.key_count = &ports_.metrics->GetGauge(
      "storage_num_keys", "Keys, expired ones that are not yet removed included.",
      {{"node_id", std::to_string(config_.node_id.value())},
       {"shard", std::to_string(shard.group.value())}});
  Result<std::unique_ptr<DataStateMachine>> machine =
      DataStateMachine::Open(*ports_.state, options);
  if (!machine) return std::unexpected(machine.error());
  HostedDataGroup hosted;
  hosted.info = (*machine)->info();
  Result<std::shared_ptr<GroupDriver>> driver = OpenDriver(shard.group, *std::move(machine));
  if (!driver) return std::unexpected(driver.error());
  hosted.driver = *std::move(driver);
  Start(shard.group, hosted.driver);
  return hosted;
}

void GroupHost::Start(GroupId group, const std::shared_ptr<GroupDriver>& driver) {
  registry_.Add(group, driver);
  driver->Start();
  keeper_->Introduce(group, *driver);
}

void GroupHost::HandOverLeadership() {
  struct Waiting {
    Mutex mutex;
    CondVar changed;
    std::size_t groups SESHAT_GUARDED_BY(mutex) = 0;
  };
  const auto waiting = std::make_shared<Waiting>();
  for (const auto& [id, driver] : registry_.All()) {
    if (!driver->view().is_leader.load(std::memory_order_acquire)) continue;
    {
      MutexLock lock(waiting->mutex);
      ++waiting->groups;
    }
    const auto done = [waiting, group = id](const Status& status) {
      if (status) {
        Log(LogLevel::kInfo, "node", "handed leadership over", {{"group", group.value()}});
      } else {
        Log(LogLevel::kInfo, "node", "could not hand leadership over",
            {{"group", group.value()}, {"reason", status.error().message()}});
      }
      MutexLock lock(waiting->mutex);
      --waiting->groups;
      waiting->changed.NotifyAll();
    };
    driver->TransferLeadership(kNoNode, done, TransferReason::kStopping);
  }
  const MonotonicTime end = ports_.clock->Now() + kHandOverMax;
  MutexLock lock(waiting->mutex);
  while (waiting->groups > 0 && ports_.clock->Now() < end) {
    waiting->changed.WaitFor(waiting->mutex, std::chrono::milliseconds(100));
  }
}

void GroupHost::Stop() {
  // A driver stops on its executors: once those have ended it would wait for ever.
  if (std::exchange(is_stopped_, true)) return;
  keeper_->Stop();
  registry_.StopAll();
  for (const auto& lane : raft_lanes_) lane->Stop();
  for (const auto& lane : apply_lanes_) lane->Stop();
  log_reader_->Stop();
  snapshot_worker_->Stop();
  snapshot_reader_->Stop();
}

Status GroupHost::CreateIfMissing(GroupId group, const std::vector<NodeId>& voters) {
  if (std::ranges::count(ports_.log->Groups(), group) > 0) return {};
  Configuration configuration;
  configuration.voters = voters;
  return ports_.log->CreateGroup(group, InitialSnapshotRow(configuration, ports_.clock->WallNow()));
}

Result<std::shared_ptr<GroupDriver>> GroupHost::OpenDriver(
    GroupId group, std::unique_ptr<StateMachine> state_machine) {
  const std::size_t lane = group.value() % raft_lanes_.size();
  GroupPorts ports;
  ports.raft = raft_lanes_[lane].get();
  ports.apply = apply_lanes_[lane].get();
  ports.log_reader = log_reader_.get();
  ports.clock = ports_.clock;
  ports.log = ports_.log;
  ports.snapshots = ports_.snapshots;
  ports.snapshot_worker = snapshot_worker_.get();
  ports.on_snapshot = LogSnapshotEvent;
  ports.on_slow_disk = LogSlowDisk;
  ports.transport = ports_.transport;
  ports.fatal = ports_.fatal;
  ports.metrics = ports_.metrics;
  Result<std::unique_ptr<GroupDriver>> driver = GroupDriver::Open(
      group, DriverOptions(config_, ports_.rng->Next()), ports, std::move(state_machine));
  if (!driver) return std::unexpected(driver.error());
  return std::shared_ptr<GroupDriver>(*std::move(driver));
}

}  // namespace seshat
