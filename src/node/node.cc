#include "seshat/node/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "cluster_steward.h"
#include "data_directory.h"
#include "disk_guard.h"
#include "group_host.h"
#include "leader_transfers.h"
#include "member_requests.h"
#include "node_health.h"
#include "peer_admission.h"
#include "peer_dispatch.h"
#include "seshat/admin/admin_server.h"
#include "seshat/admin/prometheus_metrics.h"
#include "seshat/node/log.h"
#include "seshat/node/real_ports.h"
#include "seshat/node/thread_executor.h"
#include "seshat/protocol/file_limit.h"
#include "seshat/protocol/tcp_server.h"
#include "seshat/service/service.h"
#include "seshat/storage/storage_engine.h"
#include "seshat/transport/tcp_transport.h"
#include "snapshot_requests.h"

namespace seshat {
namespace {

constexpr Duration kDrainMax = std::chrono::seconds(5);
constexpr Duration kIdleMax = std::chrono::seconds(2);
// Files besides client connections: RocksDB's, links to peers, the admin endpoint.
constexpr std::size_t kReservedFiles = 2'048;

std::size_t Cores() {
  return std::max(1u, std::thread::hardware_concurrency());
}

TransportOptions TransportOptionsOf(const NodeConfig& config, LinkLog& links,
                                    const PeerDispatch& dispatch) {
  TransportOptions options;
  options.node_id = config.node_id;
  options.listen_address = config.internal_addr.ToString();
  options.cluster_secret = config.cluster_secret;
  options.payload_bytes_max =
      std::max<std::size_t>(options.payload_bytes_max, config.limits.request_bytes_max + (1 << 20));
  options.append_queue_bytes_max =
      std::max<std::size_t>(options.append_queue_bytes_max, options.payload_bytes_max);
  options.forward_queue_bytes_max =
      std::max<std::size_t>(config.limits.forward_bytes_max, options.payload_bytes_max);
  options.handshake_timeout = std::chrono::milliseconds(config.rpc_timeout_ms);
  options.on_link_event = [&links](const LinkEvent& event) { links.OnEvent(event); };
  options.on_join = [&dispatch](const PeerHello& from, const std::string& request,
                                PeerDispatch::Reply reply) {
    dispatch.OnJoin(from, request, std::move(reply));
  };
  return options;
}

ServiceOptions ServiceOptionsOf(const NodeConfig& config, Rng& rng) {
  ServiceOptions options;
  options.node = config.node_id;
  options.seshat_version = SESHAT_VERSION;
  options.run_id = ToHex(RandomBytes(rng, 20));
  options.password = config.password;
  options.protected_mode = config.protected_mode;
  options.state_comparison_interval = std::chrono::seconds(config.state_comparison_seconds);
  options.read_mode = config.read_mode == ReadModeSetting::kLease    ? ReadMode::kLease
                      : config.read_mode == ReadModeSetting::kQuorum ? ReadMode::kQuorum
                                                                     : ReadMode::kStale;
  options.clients_max = config.limits.clients_max;
  options.request_bytes_max = config.limits.request_bytes_max;
  options.reply_bytes_max = config.limits.client_output_hard_bytes_max;
  options.leaderless_wait = std::chrono::milliseconds(config.limits.leader_wait_ms_max);
  options.parked_commands_max = config.limits.parked_commands_max;
  options.request_timeout = std::chrono::milliseconds(config.limits.request_ms_max);
  options.forward_bytes_max = config.limits.forward_bytes_max;
  std::error_code ignored;
  options.config_parameters = {
      {"dir", std::filesystem::weakly_canonical(config.data_dir, ignored).string()},
      {"port", std::to_string(config.client_addr.port)},
      {"bind", config.client_addr.host}};
  return options;
}

TcpServerOptions TcpServerOptionsOf(const NodeConfig& config) {
  TcpServerOptions options;
  options.listen = {config.client_addr.ToString()};
  options.node_id = config.node_id;
  // The Raft, apply and transport threads want the other cores.
  options.io_threads =
      config.io_threads > 0 ? config.io_threads : std::clamp<std::size_t>(Cores() / 2, 1, 8);
  options.connections_max = config.limits.clients_max;
  options.request_bytes_max = config.limits.request_bytes_max;
  options.output_hard_bytes = config.limits.client_output_hard_bytes_max;
  options.output_soft_bytes = config.limits.client_output_soft_bytes_max;
  options.output_soft_duration = std::chrono::seconds(config.limits.client_output_soft_seconds);
  return options;
}

void LogOpenReport(const OpenReport& report) {
  for (const std::optional<TornTail>& torn : {report.torn_manifest, report.torn_tail}) {
    if (!torn) continue;
    Log(LogLevel::kWarn, "storage", "dropped a torn tail that had never been synced",
        {{"file", torn->file.string()},
         {"offset", torn->offset},
         {"bytes_dropped", torn->bytes_dropped},
         {"kept_aside", torn->kept_aside.string()},
         {"damage", torn->damage}});
  }
  for (const std::string& family : report.dropped_families) {
    Log(LogLevel::kInfo, "storage", "dropped a left-over family", {{"family", family}});
  }
}

// "host:port" as bound, with the host as configured.
Endpoint WithBoundPort(Endpoint configured, const std::string& bound) {
  if (const Result<Endpoint> address = ParseEndpoint(bound)) configured.port = address->port;
  return configured;
}

}  // namespace

// Members stand in the order of dependence: each uses only those above it, so that destruction is
// safe at any point of a start that fails half-way.
class Node::Impl {
 public:
  Impl(const NodeConfig& config, std::function<void(const Error&)> on_failure)
      : config_(config), on_failure_(std::move(on_failure)) {}
  ~Impl() { Stop(); }

  Status Start();
  void Stop();
  NodeAddresses addresses() const {
    return {config_.client_addr, config_.internal_addr, config_.admin_addr};
  }

 private:
  Status OpenStorage();
  Status OpenIdentity();
  Status OpenTransport();
  void MakeService();
  Status OpenDoors();
  Status CheckRoomForSnapshot() const;
  void WaitUntilIdle() const;

  NodeConfig config_;  // ports are filled in as they are bound
  const std::function<void(const Error&)> on_failure_;
  bool is_stopped_ = false;

  SystemClock clock_;
  SystemRng rng_;
  ProcessFatalHandler fatal_;
  PrometheusMetrics metrics_;
  DiskGuard disk_{config_.limits.free_disk_bytes_min, config_.limits.free_disk_percent_min};
  LinkLog links_{clock_};
  ClusterStateSource cluster_;
  PeerDispatch dispatch_;
  NodeIdentity identity_;
  std::unique_ptr<StorageEngine> engine_;
  std::unique_ptr<PeerAdmission> admission_;
  std::unique_ptr<TcpTransport> transport_;
  std::unique_ptr<GroupHost> groups_;
  std::unique_ptr<JoinRequests> joins_;
  std::unique_ptr<Service> service_;
  std::vector<std::unique_ptr<ThreadExecutor>> read_pool_;
  std::unique_ptr<ThreadExecutor> background_;
  std::unique_ptr<TcpServer> clients_;
  std::unique_ptr<ClusterSteward> steward_;
  std::unique_ptr<NodeHealth> health_;
  std::unique_ptr<LeaderTransfers> transfers_;
  std::unique_ptr<SnapshotRequests> snapshots_;
  std::unique_ptr<MemberRequests> members_;
  std::unique_ptr<AdminServer> admin_;
};

Status Node::Impl::Start() {
  if (Status raised = RaiseFileLimit(config_.limits.clients_max, kReservedFiles); !raised) {
    Log(LogLevel::kWarn, "node", raised.error().message());
  }
  if (Status opened = OpenStorage(); !opened) return opened;
  if (Status opened = OpenIdentity(); !opened) return opened;
  if (Status opened = OpenTransport(); !opened) return opened;
  MakeService();
  if (Status opened = OpenDoors(); !opened) return opened;
  steward_->Start();
  Log(LogLevel::kInfo, "node", "started",
      {{"node_id", config_.node_id.value()},
       {"version", SESHAT_VERSION},
       {"client_addr", config_.client_addr.ToString()},
       {"internal_addr", config_.internal_addr.ToString()},
       {"admin_addr", config_.admin_addr.ToString()},
       {"data_dir", config_.data_dir},
       {"store_id", ToHex(identity_.store_id)}});
  return {};
}

Status Node::Impl::OpenStorage() {
  if (Status checked = CheckDataDirectory(config_.data_dir); !checked) return checked;
  StorageOptions options;
  options.data_dir = config_.data_dir;
  options.block_cache_bytes = config_.block_cache_bytes;
  options.write_buffer_bytes = config_.write_buffer_bytes;
  options.log_write_bytes_max = config_.limits.log_memory_bytes_max;
  Result<std::unique_ptr<StorageEngine>> engine =
      StorageEngine::Open(options, fatal_, metrics_, config_.node_id);
  if (!engine) return std::unexpected(engine.error());
  engine_ = *std::move(engine);
  LogOpenReport(engine_->open_report());
  return {};
}

// After OpenStorage, which makes sure that no other process has the directory.
Status Node::Impl::OpenIdentity() {
  Result<std::optional<NodeIdentity>> on_disk = ReadIdentity(config_.data_dir);
  if (!on_disk) return std::unexpected(on_disk.error());
  Result<IdentityDecision> decision =
      DecideIdentity(config_, *on_disk, !engine_->log().Groups().empty(), rng_);
  if (!decision) return std::unexpected(decision.error());
  identity_ = decision->identity;
  if (!decision->is_new) return {};
  return WriteIdentity(config_.data_dir, identity_);
}

Status Node::Impl::OpenTransport() {
  std::vector<NodeId> founders;
  for (const FoundingMember& member : config_.FoundingMembers()) founders.push_back(member.node);
  admission_ = std::make_unique<PeerAdmission>(config_.node_id, std::move(founders), cluster_,
                                               [this](NodeId peer, std::string_view store_id) {
                                                 return engine_->RememberPeer(peer, store_id);
                                               });
  admission_->SetClusterId(identity_.cluster_id);
  const PeerIdentity identity{.store_id = identity_.store_id,
                              .cluster_id = identity_.cluster_id,
                              .bootstrap_hash = identity_.bootstrap_hash};
  Result<std::unique_ptr<TcpTransport>> transport =
      TcpTransport::Start(TransportOptionsOf(config_, links_, dispatch_), identity, dispatch_,
                          *admission_, clock_, rng_, metrics_);
  if (!transport) {
    return std::unexpected(std::move(transport).error().WithContext("internal_addr"));
  }
  transport_ = *std::move(transport);
  config_.internal_addr = WithBoundPort(config_.internal_addr, transport_->ListenAddress());
  return {};
}

void Node::Impl::MakeService() {
  groups_ = std::make_unique<GroupHost>(
      config_, GroupHostPorts{.clock = &clock_,
                              .rng = &rng_,
                              .log = &engine_->log(),
                              .snapshots = &engine_->snapshots(),
                              .state = &engine_->state(),
                              .transport = transport_.get(),
                              .fatal = &fatal_,
                              .metrics = &metrics_,
                              .may_take_snapshot = [this] { return CheckRoomForSnapshot(); }});
  const std::size_t readers =
      config_.read_threads > 0 ? config_.read_threads : std::clamp<std::size_t>(Cores(), 2, 16);
  ServicePorts ports;
  for (std::size_t i = 0; i < readers; ++i) {
    read_pool_.push_back(std::make_unique<ThreadExecutor>(fmt::format("read-{}", i), clock_));
    ports.read_pool.push_back(read_pool_.back().get());
  }
  background_ = std::make_unique<ThreadExecutor>("background", clock_);
  ports.clock = &clock_;
  ports.store = &engine_->state();
  ports.transport = transport_.get();
  ports.metrics = &metrics_;
  ports.groups = &groups_->registry();
  ports.cluster = &cluster_;
  ports.snapshots = &groups_->snapshot_keeper();
  ports.fatal = &fatal_;
  ports.background = background_.get();
  ports.write_refusal = [this] { return disk_.Refusal(); };
  service_ = std::make_unique<Service>(ServiceOptionsOf(config_, rng_), ports);
  joins_ = std::make_unique<JoinRequests>(
      config_.node_id, !config_.cluster_secret.empty(), cluster_,
      [this](std::string command, UniqueFunction<void(Result<Reply>)> done) {
        service_->ProposeSystemCommand(std::move(command), std::move(done));
      });
  dispatch_.Connect(groups_->registry(), *service_);
  dispatch_.ConnectJoins(*joins_);
  dispatch_.ConnectSnapshots([sender = &groups_->snapshot_sender()](
                                 NodeId from, std::string request, PeerDispatch::Reply reply) {
    sender->OnCall(from, std::move(request), std::move(reply));
  });
}

// What is in memory goes to the disk for a snapshot, and a flush that fails stops the node.
Status Node::Impl::CheckRoomForSnapshot() const {
  const Result<DiskSpace> space = engine_->MeasureDisk();
  if (!space) return std::unexpected(space.error());
  if (space->free_bytes >= 2 * config_.write_buffer_bytes) return {};
  return MakeError(ErrorCode::kResourceExhausted,
                   fmt::format("{} MiB of disk are free, a snapshot needs {} MiB "
                               "(twice storage.write_buffer_bytes)",
                               space->free_bytes >> 20, (2 * config_.write_buffer_bytes) >> 20));
}

Status Node::Impl::OpenDoors() {
  clients_ = std::make_unique<TcpServer>(TcpServerOptionsOf(config_), *service_, clock_, metrics_);
  if (Status started = clients_->Start(); !started) {
    return std::unexpected(std::move(started).error().WithContext("client_addr"));
  }
  config_.client_addr = WithBoundPort(config_.client_addr, clients_->bound_address());
  steward_ = std::make_unique<ClusterSteward>(config_, identity_,
                                              StewardPorts{.clock = &clock_,
                                                           .rng = &rng_,
                                                           .engine = engine_.get(),
                                                           .transport = transport_.get(),
                                                           .admission = admission_.get(),
                                                           .groups = groups_.get(),
                                                           .cluster = &cluster_,
                                                           .service = service_.get(),
                                                           .disk = &disk_,
                                                           .fatal = &fatal_,
                                                           .metrics = &metrics_},
                                              on_failure_);
  health_ = std::make_unique<NodeHealth>(config_, identity_.store_id,
                                         NodeHealthPorts{.clock = &clock_,
                                                         .groups = &groups_->registry(),
                                                         .cluster = &cluster_,
                                                         .transport = transport_.get(),
                                                         .steward = steward_.get(),
                                                         .disk = &disk_});
  transfers_ = std::make_unique<LeaderTransfers>(
      config_.node_id,
      LeaderTransferPorts{.clock = &clock_, .groups = &groups_->registry(), .cluster = &cluster_});
  snapshots_ = std::make_unique<SnapshotRequests>(
      config_.node_id,
      SnapshotRequestPorts{.clock = &clock_, .keeper = &groups_->snapshot_keeper()});
  members_ = std::make_unique<MemberRequests>(
      config_.node_id,
      MemberRequestPorts{
          .cluster = &cluster_,
          .is_connected = [this](NodeId peer) { return transport_->Connected(peer); },
          .propose =
              [this](std::string command, UniqueFunction<void(Result<Reply>)> done) {
                service_->ProposeSystemCommand(std::move(command), std::move(done));
              }});
  AdminServerOptions options;
  options.address = config_.admin_addr.ToString();
  Result<std::unique_ptr<AdminServer>> admin =
      AdminServer::Start(options, {.health = *health_,
                                   .leadership = *transfers_,
                                   .snapshots = *snapshots_,
                                   .members = *members_,
                                   .render_metrics = [this] {
                                     health_->ExportMetrics(metrics_);
                                     return metrics_.Render();
                                   }});
  if (!admin) return std::unexpected(std::move(admin).error().WithContext("admin_addr"));
  admin_ = *std::move(admin);
  config_.admin_addr.port = admin_->port();
  steward_->SetAdminPort(admin_->port());
  return {};
}

void Node::Impl::Stop() {
  if (std::exchange(is_stopped_, true)) return;
  if (health_) health_->SetStopping();
  if (snapshots_) snapshots_->Stop();
  if (steward_) steward_->Stop();
  // A successor that is told so saves the cluster the wait until an election begins by itself.
  if (groups_) groups_->HandOverLeadership();
  // Then the clients get their answers, while the groups can still give them.
  if (clients_) clients_->Stop(kDrainMax);
  if (service_) {
    service_->StopAccepting();
    WaitUntilIdle();
  }
  if (groups_) groups_->Stop();
  if (transport_) transport_->Stop();
  for (const auto& reader : read_pool_) reader->Stop();
  if (background_) background_->Stop();
  if (engine_) engine_->Stop();
  admin_.reset();
  Log(LogLevel::kInfo, "node", "stopped");
  FlushLog();
}

// Forwarded commands of other nodes may still be under way.
void Node::Impl::WaitUntilIdle() const {
  const MonotonicTime end = clock_.Now() + kIdleMax;
  while (!service_->IsIdle() && clock_.Now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::Start(const NodeConfig& config,
                                          std::function<void(const Error&)> on_failure) {
  auto impl = std::make_unique<Impl>(config, std::move(on_failure));
  if (Status started = impl->Start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

NodeAddresses Node::addresses() const {
  return impl_->addresses();
}

void Node::Stop() {
  impl_->Stop();
}

}  // namespace seshat
