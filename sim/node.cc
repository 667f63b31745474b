#include "node.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "executor.h"
#include "seshat/base/check.h"
#include "seshat/base/random.h"
#include "seshat/base/seeded_bug.h"
#include "seshat/raft/group_registry.h"
#include "seshat/raft/snapshot_keeper.h"
#include "seshat/raft/snapshot_sender.h"
#include "seshat/service/data_state_machine.h"
#include "seshat/service/service.h"
#include "silent_metrics.h"

namespace seshat {
namespace {

// Often one of the ends: what matters is how far two starts lie apart.
Duration DrawStickiness(const SimNodeOptions& node, std::uint64_t seed) {
  Random random(seed);
  if (random.Chance(1, 3)) return node.stickiness_min;
  if (random.Chance(1, 2)) return node.stickiness_max;
  const Duration spread = node.stickiness_max - node.stickiness_min;
  return node.stickiness_min +
         Duration(random.Below(static_cast<std::uint64_t>(spread.count()) + 1));
}

GroupDriverOptions DriverOptions(const SimNodeOptions& node, std::uint64_t start) {
  GroupDriverOptions options;
  options.core.id = node.id;
  options.core.seed = node.seed + start;
  options.core.election_timeout_max = options.core.election_timeout_min + node.election_spread;
  options.core.leases = node.leases;
  options.core.stickiness = DrawStickiness(node, options.core.seed);
  // Small bounds, so that a run of seconds reaches them.
  options.core.append_bytes_max = node.append_bytes_max;
  options.core.inflight_messages_max = node.inflight_messages_max;
  options.core.inflight_bytes_max = 16 << 10;
  options.core.uncommitted_bytes_max = 64 << 10;
  options.core.cached_bytes_max = node.cached_bytes_max;
  options.entry_bytes_max = 256;
  options.apply_bytes_max = 1024;
  options.log_tail_bytes = node.log_tail_bytes;
  options.log_bytes_max = 64 << 10;
  options.slow_disk = node.slow_disk;
  options.snapshot_fetch.call_timeout = std::chrono::milliseconds(500);
  options.snapshot_fetch.give_up_after = std::chrono::seconds(2);
  options.snapshot_fetch.pause_after_failure = std::chrono::milliseconds(200);
  return options;
}

ServiceOptions OptionsOfService(NodeId node) {
  ServiceOptions options;
  options.node = node;
  options.seshat_version = "simulated";
  options.run_id = std::string(40, '0');
  return options;
}

// What the system group's state machine would publish: founding is not simulated.
ClusterState FoundedCluster(std::size_t nodes) {
  std::vector<ClusterMember> members;
  for (std::uint64_t id = 1; id <= nodes; ++id) {
    ClusterMember member;
    member.id = NodeId(id);
    member.client_address = fmt::format("10.0.0.{}:6379", id);
    members.push_back(std::move(member));
  }
  return InitialClusterState(std::string(16, 'c'), std::move(members), {});
}

}  // namespace

// What dies with the process.
// Threads: owned by the simulation's thread.
class SimNode::Process {
 public:
  explicit Process(SimNode& node)
      : raft_(node.scheduler_, node.clock_),
        apply_(node.scheduler_, node.clock_),
        log_reader_(node.scheduler_, node.clock_),
        io_(node.scheduler_, node.clock_),
        reads_(node.scheduler_, node.clock_),
        background_(node.scheduler_, node.clock_),
        snapshot_worker_(node.scheduler_, node.clock_),
        transport_(node.network_, node.id(), io_) {}
  ~Process();

  // False, and the node's observer told, when it does not start from the node's disk.
  bool Start(SimNode& node);

  void SetPaused(bool is_paused) {
    for (SimExecutor* executor : Executors()) executor->SetPaused(is_paused);
  }
  void OpenConnection(const std::shared_ptr<SimConnection>& connection) {
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    connections_.push_back(connection);
    connection->Open(*service_, io_);
  }

  SimExecutor& io() { return io_; }
  GroupDriver& driver() { return *driver_; }
  GroupRegistry& registry() { return registry_; }
  Service& service() { return *service_; }
  SnapshotSender& sender() { return *sender_; }
  SnapshotKeeper& keeper() { return *keeper_; }

 private:
  std::vector<SimExecutor*> Executors() {
    return {&raft_, &apply_, &log_reader_, &io_, &reads_, &background_, &snapshot_worker_};
  }
  void StartSnapshots(SimNode& node);
  GroupPorts PortsOfDriver(SimNode& node);
  ServicePorts PortsOfService(SimNode& node);

  SimExecutor raft_;
  SimExecutor apply_;
  SimExecutor log_reader_;
  SimExecutor io_;
  SimExecutor reads_;
  SimExecutor background_;
  SimExecutor snapshot_worker_;
  SilentMetrics metrics_;
  SimTransport transport_;
  ClusterStateSource cluster_;
  // Behind the driver, which hands it what was in flight when it dies.
  std::unique_ptr<Service> service_;
  GroupRegistry registry_;
  std::shared_ptr<GroupDriver> driver_;
  std::unique_ptr<SnapshotSender> sender_;
  std::unique_ptr<SnapshotKeeper> keeper_;
  std::vector<std::weak_ptr<SimConnection>> connections_;
};

SimNode::Process::~Process() {
  // Death: what waits in the queues is gone before anything else is, as no task may run any more.
  for (SimExecutor* executor : Executors()) executor->Die();
  for (const auto& weak : connections_) {
    if (const auto connection = weak.lock()) connection->Break();
  }
}

GroupPorts SimNode::Process::PortsOfDriver(SimNode& node) {
  GroupPorts ports;
  ports.raft = &raft_;
  ports.apply = &apply_;
  ports.log_reader = &log_reader_;
  ports.clock = &node.clock_;
  ports.log = &node.disk_;
  ports.snapshots = &node.snapshots_;
  ports.snapshot_worker = &snapshot_worker_;
  ports.transport = &transport_;
  ports.fatal = &node;
  return ports;
}

ServicePorts SimNode::Process::PortsOfService(SimNode& node) {
  ServicePorts ports;
  ports.clock = &node.clock_;
  ports.store = &node.disk_;
  ports.transport = &transport_;
  ports.metrics = &metrics_;
  ports.groups = &registry_;
  ports.cluster = &cluster_;
  ports.fatal = &node;
  ports.read_pool = {&reads_};
  ports.background = &background_;
  return ports;
}

bool SimNode::Process::Start(SimNode& node) {
  const auto fails = [&](const Error& why) {
    node.observer_.on_failure(fmt::format("node {} does not start from its own disk: {}",
                                          node.id().value(), why.message()));
    return false;
  };
  auto machine = DataStateMachine::Open(node.disk_, {});
  if (!machine) return fails(machine.error());
  const std::shared_ptr<DataGroupInfo> info = (*machine)->info();
  auto observed = std::make_unique<ObservedMachine>(
      *std::move(machine), node.disk_, kSimGroup,
      [&node](const AppliedFact& fact) { node.observer_.on_applied(node.id(), fact); });
  auto driver = GroupDriver::Open(kSimGroup, DriverOptions(node.options_, node.starts_),
                                  PortsOfDriver(node), std::move(observed));
  if (!driver) return fails(driver.error());
  driver_ = *std::move(driver);
  driver_->OnLeadershipChange([&node](bool is_leader, Term term) {
    node.scheduler_.Note(is_leader ? "leads in term" : "follows in term", node.id(), term.value());
    if (!is_leader) return;
    node.observer_.on_leader(node.id(), term, LogIndex(node.driver().view().commit.load()));
  });
  registry_.Add(kSimGroup, driver_);
  cluster_.Publish(FoundedCluster(node.options_.nodes));
  service_ = std::make_unique<Service>(OptionsOfService(node.id()), PortsOfService(node));
  // Not as an owner: calls that are in flight at death would keep the driver alive.
  service_->AddDataGroup(kSimGroup, {std::shared_ptr<void>(), driver_.get()}, info);
  driver_->Start();
  StartSnapshots(node);
  return true;
}

void SimNode::Process::StartSnapshots(SimNode& node) {
  SnapshotSenderOptions sending;
  sending.node = node.id();
  sending.chunk_bytes = node.options_.snapshot_chunk_bytes;
  sending.held_open = std::chrono::seconds(2);
  sender_ = std::make_unique<SnapshotSender>(
      sending, SnapshotSenderPorts{
                   .store = &node.snapshots_, .worker = &snapshot_worker_, .clock = &node.clock_});
  SnapshotKeeperPorts keeping;
  keeping.store = &node.snapshots_;
  keeping.groups = &registry_;
  keeping.clock = &node.clock_;
  keeping.worker = &snapshot_worker_;
  keeping.on_taken = [&node](const Status& taken, const std::string& name, Duration) {
    node.scheduler_.Note(taken ? "kept " + name : taken.error().message(), node.id());
  };
  keeper_ = std::make_unique<SnapshotKeeper>(node.options_.snapshots, keeping);
  keeper_->Introduce(kSimGroup, *driver_);
  keeper_->Start();
}

SimNode::SimNode(SimScheduler& scheduler, SimNetwork& network, SimNodeOptions options,
                 SimNodeObserver observer)
    : scheduler_(scheduler),
      network_(network),
      options_(std::move(options)),
      observer_(std::move(observer)),
      disk_(scheduler, options_.id),
      snapshots_(scheduler, disk_),
      clock_(scheduler, options_.clock_at_start, options_.clock_drift_ppm) {
  const Status created =
      disk_.CreateGroup(kSimGroup, InitialSnapshotRow(options_.configuration, clock_.WallNow()));
  SESHAT_CHECK(created.has_value());
  snapshots_.SetFullOneIn(options_.disk_full_one_in);
}

void SimNode::TakeSnapshot() {
  if (is_running()) process_->keeper().TakeNow([](const Status&) {});
}

SimNode::~SimNode() = default;

void SimNode::Start() {
  SESHAT_CHECK(!is_running());
  ++starts_;
  scheduler_.Note("start", id(), starts_);
  process_ = std::make_unique<Process>(*this);
  is_paused_ = false;
  if (!process_->Start(*this)) return;
  // The process's own threads take what arrives: when it is frozen, the kernel keeps the bytes.
  Process* const process = process_.get();
  SimNetwork::Receiver receiver;
  receiver.on_message = [this, process](NodeId from, const std::string& payload) {
    process->io().Post([this, process, from, payload] {
      const Status status = process->registry().Dispatch(from, payload);
      if (!status) observer_.on_failure("a message does not decode: " + status.error().message());
    });
  };
  receiver.on_call = [process](NodeId from, CallKind kind, std::string request,
                               SimNetwork::Replier reply) {
    process->io().Post(
        [process, from, kind, request = std::move(request), reply = std::move(reply)]() mutable {
          if (kind == CallKind::kForward) {
            process->service().OnCall(from, std::move(request), std::move(reply));
          } else {
            process->sender().OnCall(from, std::move(request), std::move(reply));
          }
        });
  };
  network_.Attach(id(), std::move(receiver));
}

void SimNode::Crash(bool loses_unsynced) {
  if (!is_running()) return;
  scheduler_.Note(loses_unsynced ? "power failure" : "killed", id());
  network_.Detach(id());
  process_.reset();
  is_paused_ = false;
  disk_.Crash(loses_unsynced);
}

void SimNode::StopGracefully() {
  if (!is_running()) return;
  scheduler_.Note("stops", id());
  network_.Detach(id());
  process_->service().StopAccepting();
  process_->driver().BeginStop([this, start = starts_] {
    scheduler_.After(Duration(0), [this, start] {
      if (starts_ == start) Crash(false);
    });
  });
}

void SimNode::SetPaused(bool is_paused) {
  if (!is_running() || is_paused == is_paused_) return;
  scheduler_.Note(is_paused ? "paused" : "resumed", id());
  is_paused_ = is_paused;
  if (is_paused) paused_at_ = scheduler_.now();
  if (!is_paused && HasBug("clock-stops-in-suspend")) {
    clock_.FallBehind(scheduler_.now() - paused_at_);
  }
  process_->SetPaused(is_paused);
  disk_.SetPaused(is_paused);
  if (!is_paused) observer_.on_resumed();
}

GroupDriver& SimNode::driver() {
  SESHAT_CHECK(is_running());
  return process_->driver();
}

std::shared_ptr<SimConnection> SimNode::Connect(ConnectionListener listener) {
  if (!is_running()) return nullptr;
  auto connection = std::make_shared<SimConnection>(scheduler_, std::move(listener));
  process_->OpenConnection(connection);
  return connection;
}

void SimNode::StopNode(const Error& why) {
  observer_.on_failure(fmt::format("node {} stops itself: {}", id().value(), why.message()));
}

}  // namespace seshat
