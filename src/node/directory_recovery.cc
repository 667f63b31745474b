#include "directory_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "data_directory.h"
#include "seshat/admin/prometheus_metrics.h"
#include "seshat/node/directory_inspection.h"
#include "seshat/node/real_ports.h"
#include "seshat/raft/group_beginning.h"
#include "seshat/service/cluster_rows.h"
#include "seshat/service/data_state_machine.h"
#include "seshat/service/system_state_machine.h"
#include "seshat/storage/directory_reader.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> Refuse(const fs::path& data_dir, std::string_view why) {
  return MakeError(ErrorCode::kFailedPrecondition, fmt::format("{}: {}", data_dir.string(), why));
}

// Pre: its groups were found sound.
Result<ClusterState> ReadCluster(const fs::path& data_dir) {
  const Result<std::unique_ptr<DirectoryReader>> reader = DirectoryReader::Open(data_dir);
  if (!reader) return std::unexpected(reader.error());
  DirectoryFindings findings;
  const bool is_open = (*reader)->OpenDatabase(findings);
  const std::vector<GroupGenerations> groups = (*reader)->Groups();
  if (!is_open || std::ranges::count(groups, kSystemGroup, &GroupGenerations::group) == 0) {
    return ClusterState();
  }
  return ReadClusterState(*(*reader)->View(kSystemGroup));
}

bool IsAlone(const DirectoryInspection& inspection, const ClusterState& cluster) {
  const std::vector<NodeId> self{inspection.identity->node};
  return cluster.members.size() == 1 && cluster.members.front().id == self.front() &&
         std::ranges::all_of(inspection.groups, [&](const InspectedGroup& group) {
           return group.members.voters == self && group.members.voters_outgoing.empty();
         });
}

Status CheckRecoverable(const fs::path& data_dir, const DirectoryInspection& inspection,
                        const ClusterState& cluster) {
  if (!inspection.damage.empty()) return std::unexpected(DamageError(inspection.damage));
  if (!cluster.IsBootstrapped()) {
    return Refuse(data_dir,
                  "its cluster was not founded yet as far as this node knows, so it holds no data: "
                  "allowed: a new cluster on empty directories");
  }
  for (const ShardPlacement& shard : cluster.shards) {
    if (std::ranges::count(inspection.groups, shard.group, &InspectedGroup::group) > 0) continue;
    return Refuse(data_dir, fmt::format("it holds no replica of group {}, so its keys would be "
                                        "lost: allowed: the directory of a node that has one",
                                        shard.group.value()));
  }
  if (inspection.identity->unfinished.empty() && IsAlone(inspection, cluster)) {
    return Refuse(data_dir, fmt::format("node {} is the only member of its cluster: there is "
                                        "nothing to recover, start it",
                                        inspection.identity->node.value()));
  }
  return {};
}

RecoveryPlan PlanOf(const DirectoryInspection& inspection, const ClusterState& cluster) {
  RecoveryPlan plan{.node = inspection.identity->node,
                    .cluster_id = ToHex(cluster.cluster_id),
                    .is_resumed = !inspection.identity->unfinished.empty(),
                    .members = {},
                    .groups = {}};
  for (const ClusterMember& member : cluster.members) {
    plan.members.push_back({.node = member.id, .internal_address = member.internal_address});
  }
  for (const InspectedGroup& group : inspection.groups) {
    plan.groups.push_back({.group = group.group,
                           .key_count = group.key_count,
                           .applied = group.applied,
                           .commit = std::max(group.commit, group.applied),
                           .last = group.last,
                           .last_term = group.last_term,
                           .term = group.term});
  }
  return plan;
}

// A group's whole log is applied, and what it stands at then.
Result<MovingGroup> Replay(StorageEngine& engine, GroupId group, StateMachine& machine) {
  const Result<Term> highest = ReplayLog(group, engine.log(), machine);
  if (!highest) return std::unexpected(highest.error());
  const Result<AppliedState> applied = ReadAppliedState(engine.state(), group);
  if (!applied) return std::unexpected(applied.error());
  return MovingGroup{.group = group,
                     .applied = *applied,
                     .highest = std::max(*highest, applied->term),
                     .state = {}};
}

// What the cluster is once the system group's log is applied.
Result<ClusterState> ReplaySystemGroup(StorageEngine& engine, std::vector<MovingGroup>& groups) {
  ClusterStateSource source;
  const Result<std::unique_ptr<SystemStateMachine>> machine =
      SystemStateMachine::Open(engine.state(), source, [](const StateVerdict&) {});
  if (!machine) return std::unexpected(machine.error());
  Result<MovingGroup> replayed = Replay(engine, kSystemGroup, **machine);
  if (!replayed) return std::unexpected(replayed.error());
  groups.push_back(*std::move(replayed));
  return *source.Get();
}

Status ReplayDataGroups(StorageEngine& engine, const ReplicatedLimits& limits,
                        std::vector<MovingGroup>& groups) {
  for (const GroupId group : engine.log().Groups()) {
    if (group == kSystemGroup) continue;
    const Result<std::unique_ptr<DataStateMachine>> machine =
        DataStateMachine::Open(engine.state(), {.group = group, .limits = limits});
    if (!machine) return std::unexpected(machine.error());
    Result<MovingGroup> replayed = Replay(engine, group, **machine);
    if (!replayed) return std::unexpected(replayed.error());
    groups.push_back(*std::move(replayed));
  }
  return {};
}

// As it goes on alone, with the addresses that it had.
ClusterMember Survivor(const ClusterState& former, const NodeIdentity& identity) {
  ClusterMember survivor;
  survivor.id = identity.node_id;
  survivor.store_id = identity.store_id;
  const ClusterMember* const known = former.FindMember(identity.node_id);
  if (known == nullptr) return survivor;
  survivor.client_address = known->client_address;
  survivor.internal_address = known->internal_address;
  survivor.admin_address = known->admin_address;
  survivor.feature_level_max = known->feature_level_max;
  return survivor;
}

Result<DirectoryInspection> InspectForRecovery(const fs::path& data_dir) {
  return InspectDirectory({.data_dir = data_dir, .resumed = std::string(kRecoverCommand)});
}

}  // namespace

Result<RecoveryPlan> PlanRecovery(const fs::path& data_dir) {
  const Result<DirectoryInspection> inspection = InspectForRecovery(data_dir);
  if (!inspection) return std::unexpected(inspection.error());
  const Result<ClusterState> cluster = ReadCluster(data_dir);
  if (!cluster) return std::unexpected(cluster.error());
  if (Status may = CheckRecoverable(data_dir, *inspection, *cluster); !may) {
    return std::unexpected(may.error());
  }
  return PlanOf(*inspection, *cluster);
}

Result<RecoveredDirectory> RecoverDirectoryOn(const OfflinePorts& ports, const fs::path& data_dir) {
  const Result<std::optional<NodeIdentity>> on_disk = ReadIdentity(data_dir);
  if (!on_disk) return std::unexpected(on_disk.error());
  if (const Result<RecoveryPlan> plan = PlanRecovery(data_dir); !plan) {
    return std::unexpected(plan.error());
  }
  NodeIdentity marked = **on_disk;  // a plan needs one
  marked.store_id = NewStoreId(*ports.rng);
  marked.unfinished = kRecoverCommand;
  Result<DirectoryRewrite> rewrite = DirectoryRewrite::Begin(data_dir, *on_disk, marked, ports);
  if (!rewrite) return std::unexpected(rewrite.error());

  std::vector<MovingGroup> groups;
  const Result<ClusterState> former = ReplaySystemGroup(rewrite->engine(), groups);
  if (!former) return std::unexpected(former.error());
  if (Status done = ReplayDataGroups(rewrite->engine(), former->limits, groups); !done) {
    return std::unexpected(done.error());
  }
  RecoveredDirectory recovered;
  for (const MovingGroup& group : groups) {
    recovered.groups.push_back({.group = group.group,
                                .key_count = group.applied.key_count,
                                .applied = group.applied.index,
                                .commit = group.applied.index,
                                .last = group.applied.index,
                                .last_term = group.applied.term,
                                .term = group.highest});
  }
  const ClusterState cluster =
      RefoundedClusterState(*former, NewClusterId(*ports.rng), {Survivor(*former, marked)});
  if (Status done = rewrite->Finish(cluster, std::move(groups)); !done) {
    return std::unexpected(done.error());
  }
  recovered.cluster_id = ToHex(cluster.cluster_id);
  return recovered;
}

Result<RecoveredDirectory> RecoverDirectory(const fs::path& data_dir) {
  SystemClock clock;
  SystemRng rng;
  ProcessFatalHandler fatal;
  PrometheusMetrics metrics;
  return RecoverDirectoryOn({.clock = &clock, .rng = &rng, .fatal = &fatal, .metrics = &metrics},
                            data_dir);
}

}  // namespace seshat
