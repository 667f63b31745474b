#include "cluster_steward.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "data_directory.h"
#include "seshat/node/log.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

constexpr Duration kRoundInterval = std::chrono::milliseconds(50);
constexpr Duration kProgressInterval = std::chrono::seconds(5);
constexpr Duration kMeasureInterval = std::chrono::seconds(2);
constexpr Duration kProposeRetry = std::chrono::milliseconds(500);

std::vector<NodeId> NodesOf(const std::vector<FoundingMember>& members) {
  std::vector<NodeId> nodes;
  for (const FoundingMember& member : members) nodes.push_back(member.node);
  return nodes;
}

}  // namespace

ClusterSteward::ClusterSteward(const NodeConfig& config, NodeIdentity identity,
                               const StewardPorts& ports,
                               std::function<void(const Error&)> on_failure)
    : config_(config),
      ports_(ports),
      on_failure_(std::move(on_failure)),
      identity_(std::move(identity)),
      dialer_(
          config.node_id, config.initial_members,
          [transport = ports.transport](NodeId peer, const std::string& address) {
            transport->SetPeer(peer, address);
          },
          [transport = ports.transport](NodeId peer) { transport->RemovePeer(peer); },
          [transport = ports.transport](NodeId peer) { return transport->Connected(peer); }),
      members_({.groups = &ports.groups->registry(),
                .executor = &executor_,
                .clock = ports.clock,
                .propose =
                    [this](std::string what, std::string command) {
                      Propose(std::move(what), std::move(command));
                    }},
               std::chrono::milliseconds(config.election_timeout_min_ms)),
      progress_logged_at_(ports.clock->Now()),
      last_round_ns_(ports.clock->Now().since_boot.count()),
      executor_("steward", *ports.clock) {
  if (!config.join) return;
  const std::string member = config.join->ToString();
  joining_.emplace(
      member,
      [transport = ports.transport, member](std::string request, MonotonicTime deadline,
                                            UniqueFunction<void(Result<std::string>)> done) {
        transport->AskToJoin(member, std::move(request), deadline, std::move(done));
      },
      executor_, *ports.clock);
}

ClusterSteward::~ClusterSteward() {
  Stop();
}

void ClusterSteward::Start() {
  executor_.Post([this] { Round(); });
}

void ClusterSteward::Stop() {
  is_stopping_ = true;
  executor_.Stop();
}

std::vector<std::string> ClusterSteward::Obstacles() const {
  const MutexLock lock(mutex_);
  return obstacles_;
}

MonotonicTime ClusterSteward::LastRound() const {
  return {std::chrono::nanoseconds(last_round_ns_.load())};
}

void ClusterSteward::Round() {
  if (is_stopping_ || has_failed_) return;
  dialer_.Update(*ports_.cluster->Get(), ports_.clock->Now());
  if (Status advanced = Advance(); !advanced) {
    has_failed_ = true;
    SetObstacles({advanced.error().message()});
    on_failure_(advanced.error());
    return;
  }
  const MonotonicTime now = ports_.clock->Now();
  if (now - measured_at_ >= kMeasureInterval) {
    measured_at_ = now;
    MeasureDisk();
  }
  last_round_ns_ = ports_.clock->Now().since_boot.count();
  executor_.PostAt(ports_.clock->Now() + kRoundInterval, [this] { Round(); });
}

Status ClusterSteward::Advance() {
  if (!has_system_group_) {
    const Result<bool> may_open = MayOpenSystemGroup();
    if (!may_open) return std::unexpected(may_open.error());
    if (!*may_open) return {};
    if (Status opened = OpenSystemGroup(); !opened) return opened;
  }
  const std::shared_ptr<const ClusterState> state = ports_.cluster->Get();
  if (!state->IsBootstrapped()) return AwaitState();
  if (Status adopted = AdoptClusterId(state->cluster_id); !adopted) return adopted;
  if (Status stays = CheckNotRemoved(*state); !stays) return stays;
  if (Status opened = OpenGroups(*state); !opened) return opened;
  RegisterIfNeeded(*state);
  members_.Round(*state);
  return {};
}

Result<bool> ClusterSteward::MayOpenSystemGroup() {
  if (!ports_.engine->log().Groups().empty()) return true;
  if (joining_) return HasJoined();
  Result<bool> met = HasMetFounders();
  if (met && *met) {
    Log(LogLevel::kInfo, "node", "every founding member is here: starting the system group");
  }
  return met;
}

Status ClusterSteward::OpenSystemGroup() {
  Status opened = ports_.groups->OpenSystemGroup(
      NodesOf(config_.FoundingMembers()), *ports_.cluster, [this](const StateVerdict& verdict) {
        executor_.Post([this, verdict] { OnStateVerdict(verdict); });
      });
  has_system_group_ = opened.has_value();
  return opened;
}

Status ClusterSteward::AwaitState() {
  if (joining_) {
    // Once more after a restart: this node has to know where the members are, to answer their
    // leader.
    const Result<bool> joined = HasJoined();
    if (!joined) return std::unexpected(joined.error());
    if (*joined) Report({"waiting for the cluster's leader to send its state"});
    return {};
  }
  if (!identity_.cluster_id.empty()) {
    Report(
        {"this node was about to join a cluster and knows nobody in it: start it with join "
         "(--join H:P)"});
    return {};
  }
  SetObstacles({"the cluster is being founded"});
  if (ports_.groups->registry().Find(kSystemGroup)->view().is_leader) ProposeCluster();
  return {};
}

Result<bool> ClusterSteward::HasJoined() {
  if (has_joined_) return true;
  const Result<std::optional<JoinReply>> reply = joining_->Round(OwnEntry());
  if (!reply) return std::unexpected(reply.error());
  if (!*reply) {
    Report({fmt::format("waiting to be let into the cluster of {}: {}", config_.join->ToString(),
                        joining_->problem().empty() ? "no answer yet" : joining_->problem())});
    return false;
  }
  if (Status adopted = AdoptClusterId((*reply)->cluster_id); !adopted) {
    return std::unexpected(adopted.error());
  }
  std::vector<FoundingMember> members;
  for (const ClusterMember& member : (*reply)->members) {
    const Result<Endpoint> address = ParseEndpoint(member.internal_address);
    if (address) members.push_back({member.id, *address});
  }
  dialer_.Configure(std::move(members));
  has_joined_ = true;
  Log(LogLevel::kInfo, "node", "a member let this node in: its data will come from the leader");
  return true;
}

Result<bool> ClusterSteward::HasMetFounders() {
  std::vector<std::string> missing;
  for (const FoundingMember& member : config_.FoundingMembers()) {
    if (member.node == config_.node_id || founders_met_.contains(member.node)) continue;
    if (ports_.transport->Connected(member.node)) {
      founders_met_.insert(member.node);
      continue;
    }
    const std::string why = ports_.transport->LastError(member.node);
    const std::string cluster_id = ports_.admission->ClusterIdOf(member.node);
    if (!cluster_id.empty() && IsWipedDiskRefusal(why)) {
      return MakeError(ErrorCode::kFailedPrecondition,
                       fmt::format("data_dir = \"{}\" is empty, but node {} at {} already belongs "
                                   "to cluster {} and knows this node with other data: {}",
                                   config_.data_dir, member.node.value(),
                                   member.internal_address.ToString(), ToHex(cluster_id), why));
    }
    // The transport's reason begins with the address.
    missing.push_back(fmt::format("waiting for founding member {}: {}", member.node.value(),
                                  why.empty() ? member.internal_address.ToString() : why));
  }
  const bool has_met_all = missing.empty();
  if (!has_met_all) Report(std::move(missing));  // else the next step says what is missing
  return has_met_all;
}

void ClusterSteward::Report(std::vector<std::string> obstacles) {
  const MonotonicTime now = ports_.clock->Now();
  if (now - progress_logged_at_ >= kProgressInterval) {
    progress_logged_at_ = now;
    for (const std::string& line : obstacles) Log(LogLevel::kInfo, "node", line);
  }
  SetObstacles(std::move(obstacles));
}

Status ClusterSteward::AdoptClusterId(const std::string& cluster_id) {
  if (identity_.cluster_id == cluster_id) return {};
  if (!identity_.cluster_id.empty()) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("data_dir = \"{}\": IDENTITY says cluster {}, the database says "
                                 "cluster {}: files of two clusters are mixed",
                                 config_.data_dir, ToHex(identity_.cluster_id), ToHex(cluster_id)));
  }
  NodeIdentity adopted = identity_;
  adopted.cluster_id = cluster_id;
  if (Status written = WriteIdentity(config_.data_dir, adopted); !written) return written;
  identity_ = adopted;
  ports_.transport->SetIdentity({.store_id = identity_.store_id,
                                 .cluster_id = identity_.cluster_id,
                                 .bootstrap_hash = identity_.bootstrap_hash});
  ports_.admission->SetClusterId(cluster_id);
  Log(LogLevel::kInfo, "node", "part of a cluster", {{"cluster_id", ToHex(cluster_id)}});
  return {};
}

Status ClusterSteward::OpenGroups(const ClusterState& state) {
  for (const ShardPlacement& shard : state.shards) {
    // Every member has a replica of every shard; one that joins has to be there to be fed.
    if (open_data_groups_.contains(shard.group)) continue;
    Result<HostedDataGroup> hosted = ports_.groups->OpenDataGroup(shard, state.limits);
    if (!hosted) return std::unexpected(hosted.error());
    ports_.service->AddDataGroup(shard.group, hosted->driver, hosted->info);
    open_data_groups_.insert(shard.group);
    Log(LogLevel::kInfo, "node", "serving a shard", {{"group", shard.group.value()}});
  }
  return {};
}

// By what it has applied itself, or, as nobody sends it anything any more, by what it is told when
// it knocks.
Status ClusterSteward::CheckNotRemoved(const ClusterState& state) const {
  bool is_removed = state.WasRemoved(config_.node_id);
  for (const ClusterMember& member : state.members) {
    is_removed = is_removed || IsRemovalRefusal(ports_.transport->LastError(member.id));
  }
  if (!is_removed) return {};
  return MakeError(
      ErrorCode::kFailedPrecondition,
      fmt::format("node {} was removed from this cluster; data_dir = \"{}\" may be given up, and a "
                  "node on this machine joins again with an empty one and a new id",
                  config_.node_id.value(), config_.data_dir));
}

void ClusterSteward::OnStateVerdict(const StateVerdict& verdict) {
  if (is_stopping_ || has_failed_) return;
  MetricLabels labels{{"node_id", fmt::to_string(config_.node_id.value())},
                      {"shard", fmt::to_string(verdict.group.value())}};
  if (verdict.kind == StateVerdict::Kind::kEqual) {
    return ports_.metrics
        ->GetCounter("state_comparisons_total",
                     "Comparisons that found the state of all replicas equal.", labels)
        .Increment();
  }
  const std::string replica = verdict.node == kNoNode ? "?" : fmt::to_string(verdict.node.value());
  labels.emplace_back("replica", replica);
  ports_.metrics
      ->GetCounter("state_mismatches_total",
                   "Replicas found to differ from a majority; \"?\": no majority agrees.", labels)
      .Increment();
  Log(LogLevel::kError, "node", "replicas differ in their state",
      {{"group", verdict.group.value()}, {"index", verdict.index.value()}, {"replica", replica}});
  if (verdict.node == config_.node_id) Quarantine(verdict);
}

void ClusterSteward::Quarantine(const StateVerdict& verdict) {
  identity_.quarantine = fmt::format(
      "its state of group {} differed from that of a majority of the replicas at index {}",
      verdict.group.value(), verdict.index.value());
  has_failed_ = true;
  SetObstacles({identity_.quarantine});
  const Error why(ErrorCode::kCorruption, fmt::format("data_dir = \"{}\" is put in quarantine: {}",
                                                      config_.data_dir, identity_.quarantine));
  if (Status written = WriteIdentity(config_.data_dir, identity_); !written) {
    Log(LogLevel::kError, "node", written.error().message());
  }
  ports_.fatal->StopNode(why);
}

void ClusterSteward::ProposeCluster() {
  std::vector<ClusterMember> members;
  for (const FoundingMember& founder : config_.FoundingMembers()) {
    ClusterMember member;
    member.id = founder.node;
    member.internal_address = founder.internal_address.ToString();
    if (founder.node == config_.node_id) member = OwnEntry();
    members.push_back(std::move(member));
  }
  const ReplicatedLimits limits{.key_bytes_max = config_.limits.key_bytes_max,
                                .value_bytes_max = config_.limits.value_bytes_max};
  Propose("found the cluster",
          EncodeBootstrapCluster(InitialClusterState(NewClusterId(*ports_.rng), members, limits)));
}

void ClusterSteward::RegisterIfNeeded(const ClusterState& state) {
  ClusterMember own = OwnEntry();
  const ClusterMember* const known = state.FindMember(config_.node_id);
  if (known != nullptr) own.is_leaving = known->is_leaving;
  if (known != nullptr && *known == own) {
    SetObstacles({});
    return;
  }
  SetObstacles({"the cluster does not know this node's addresses yet"});
  Propose("register this node", EncodeRegisterNode(own));
}

void ClusterSteward::Propose(std::string what, std::string command) {
  if (is_proposing_ || ports_.clock->Now() < propose_not_before_) return;
  is_proposing_ = true;
  ports_.service->ProposeSystemCommand(
      std::move(command), [this, what = std::move(what)](Result<Reply> reply) mutable {
        std::string refusal;
        if (!reply) {
          refusal = reply.error().message();
        } else if (reply->IsError()) {
          refusal = reply->text;
        }
        executor_.Post([this, what = std::move(what), refusal = std::move(refusal)] {
          is_proposing_ = false;
          if (!refusal.empty()) propose_not_before_ = ports_.clock->Now() + kProposeRetry;
          if (!refusal.empty() && refusal != last_refusal_) {
            Log(LogLevel::kWarn, "node", "cannot " + what + " yet", {{"why", refusal}});
          }
          last_refusal_ = refusal;
        });
      });
}

void ClusterSteward::MeasureDisk() {
  ports_.engine->RefreshMetrics();
  const Result<DiskSpace> space = ports_.engine->MeasureDisk();
  if (!space) {
    Log(LogLevel::kWarn, "storage", "cannot measure the free space",
        {{"why", space.error().message()}});
    return;
  }
  if (!ports_.disk->Update(*space)) return;
  if (const std::optional<std::string> refusal = ports_.disk->Refusal()) {
    Log(LogLevel::kError, "storage", "writes are refused: " + *refusal);
  } else {
    Log(LogLevel::kInfo, "storage", "writes are accepted again");
  }
}

ClusterMember ClusterSteward::OwnEntry() const {
  ClusterMember own;
  own.id = config_.node_id;
  own.store_id = identity_.store_id;
  own.client_address = config_.AdvertisedClient().ToString();
  own.internal_address = config_.AdvertisedInternal().ToString();
  own.admin_address = config_.AdvertisedAdmin().ToString();
  own.feature_level_max = kFeatureLevelMax;
  return own;
}

void ClusterSteward::SetObstacles(std::vector<std::string> obstacles) {
  const MutexLock lock(mutex_);
  obstacles_ = std::move(obstacles);
}

}  // namespace seshat
