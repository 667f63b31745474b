#include "snapshot_restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "data_directory.h"
#include "seshat/admin/prometheus_metrics.h"
#include "seshat/commands/key_layout.h"
#include "seshat/node/real_ports.h"
#include "seshat/raft/group_audit.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/cluster_rows.h"
#include "seshat/service/state_audit.h"
#include "seshat/storage/directory_reader.h"
#include "seshat/storage/snapshot_source.h"
#include "snapshot_inspection.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> NotEmpty(const fs::path& data_dir, std::string_view what) {
  return MakeError(ErrorCode::kFailedPrecondition,
                   fmt::format("{} holds {}: allowed: a directory that is empty or does not exist",
                               data_dir.string(), what));
}

// Of a directory without IDENTITY: nothing of anybody's, at most what a start leaves before it.
Status CheckUnused(const fs::path& data_dir) {
  if (Status ours = CheckDataDirectory(data_dir); !ours) return ours;
  std::error_code unknown;
  const fs::path snapshots = data_dir / "snapshots";
  if (fs::exists(snapshots, unknown) && !fs::is_empty(snapshots, unknown)) {
    return NotEmpty(data_dir, "snapshots and no IDENTITY");
  }
  if (!fs::exists(data_dir / "rocksdb", unknown)) return {};
  const Result<std::unique_ptr<DirectoryReader>> reader = DirectoryReader::Open(data_dir);
  if (!reader) return std::unexpected(reader.error());
  DirectoryFindings findings;
  (*reader)->OpenDatabase(findings);
  if (!findings.damage.empty() || !(*reader)->Groups().empty()) {
    return NotEmpty(data_dir, "data and no IDENTITY");
  }
  return {};
}

// The IDENTITY that is there, of a restore that was interrupted; empty when the target is unused.
Result<std::optional<NodeIdentity>> CheckTarget(const fs::path& data_dir) {
  Result<std::optional<NodeIdentity>> identity = ReadIdentity(data_dir);
  if (!identity) return identity;
  if (identity->has_value()) {
    if ((*identity)->unfinished == kRestoreCommand) return identity;
    return NotEmpty(data_dir, fmt::format("the data of node {}", (*identity)->node_id.value()));
  }
  if (Status unused = CheckUnused(data_dir); !unused) return std::unexpected(unused.error());
  return identity;
}

// The members of a cluster of which no node has reported itself yet.
std::vector<ClusterMember> MembersOf(const std::vector<FoundingMember>& founders) {
  std::vector<ClusterMember> members;
  for (const FoundingMember& founder : founders) {
    ClusterMember member;
    member.id = founder.node;
    member.internal_address = founder.internal_address.ToString();
    members.push_back(std::move(member));
  }
  return members;
}

// A snapshot that was read and found whole, and what it holds.
struct VerifiedSnapshot {
  ClusterState cluster;
  std::vector<RestoredGroup> groups;
};

Result<VerifiedSnapshot> Verify(const SnapshotSource& source) {
  const Snapshot& snapshot = source.snapshot();
  DirectoryFindings findings;
  const InspectedSnapshot described = DescribeSnapshot(snapshot, findings);
  source.CheckTables(findings);
  VerifyState(snapshot, findings);
  if (!findings.damage.empty()) return std::unexpected(DamageError(findings.damage));

  VerifiedSnapshot verified;
  for (const InspectedSnapshotGroup& group : described.groups) {
    verified.groups.push_back({.group = group.group,
                               .index = group.index,
                               .term = group.term,
                               .key_count = group.key_count,
                               .digest = group.digest});
  }
  const Result<std::unique_ptr<StateView>> system = snapshot.View(kSystemGroup);
  if (!system) return std::unexpected(system.error());
  Result<ClusterState> cluster = ReadClusterState(**system);
  if (!cluster) return std::unexpected(cluster.error());
  verified.cluster = *std::move(cluster);
  // A group that came in from another node while the snapshot was taken is not in it.
  for (const ShardPlacement& shard : verified.cluster.shards) {
    if (std::ranges::count(verified.groups, shard.group, &RestoredGroup::group) > 0) continue;
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("{} does not hold group {}, which the cluster has: allowed: a "
                                 "snapshot of all groups",
                                 snapshot.name(), shard.group.value()));
  }
  return verified;
}

Result<MovingGroup> CopyGroup(StorageEngine& engine, const Snapshot& snapshot,
                              const RestoredGroup& wanted, UnixMillis now) {
  const std::vector<GroupId> existing = engine.log().Groups();
  if (std::ranges::count(existing, wanted.group) == 0) {
    Status created = engine.log().CreateGroup(wanted.group, InitialSnapshotRow({}, now));
    if (!created) return std::unexpected(created.error());
  }
  const Result<std::unique_ptr<StateView>> view = snapshot.View(wanted.group);
  if (!view) return std::unexpected(view.error());
  Result<std::unique_ptr<IncomingState>> state = engine.snapshots().BeginIncoming(wanted.group);
  if (!state) return std::unexpected(state.error());
  const std::unique_ptr<StateAudit> audit =
      MakeStateAudit(wanted.group == kSystemGroup ? AuditedRows::kSystem : AuditedRows::kData);
  Status added;
  const Status scanned =
      (*view)->Scan("", kRowsEnd, [&](std::string_view key, std::string_view value) {
        audit->Add(key, value);
        added = (*state)->Add(key, value);
        return added.has_value();
      });
  if (!scanned) return std::unexpected(scanned.error());
  if (!added) return std::unexpected(added.error());
  const Result<StateFacts> facts = audit->Finish();
  if (!facts) return std::unexpected(facts.error());
  // It was found whole a moment ago.
  if (*facts != StateFacts{.index = wanted.index,
                           .term = wanted.term,
                           .key_count = wanted.key_count,
                           .digest = wanted.digest}) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: group {}: what was copied is not what was verified",
                                 snapshot.name(), wanted.group.value()));
  }
  if (Status finished = (*state)->Finish(); !finished) return std::unexpected(finished.error());
  Result<AppliedState> applied = ReadAppliedState(**view);
  if (!applied) return std::unexpected(applied.error());
  return MovingGroup{.group = wanted.group,
                     .applied = *applied,
                     .highest = wanted.term,
                     .state = *std::move(state)};
}

}  // namespace

std::string RestoredClusterHash(const RestoreOptions& options, const std::string& former_cluster_id,
                                const std::vector<RestoredGroup>& groups) {
  std::string text =
      fmt::format("seshat-restore-1\n{}\n{}\n", options.cluster_name, ToHex(former_cluster_id));
  for (const FoundingMember& member : options.members) {
    text += fmt::format("{}={}\n", member.node.value(), member.internal_address.ToString());
  }
  for (const RestoredGroup& group : groups) {
    text += fmt::format("{} {} {} {} {:016x}\n", group.group.value(), group.index.value(),
                        group.term.value(), group.key_count, group.digest);
  }
  return Sha256(text);
}

Result<RestoredDirectory> RestoreSnapshotOn(const OfflinePorts& ports,
                                            const RestoreOptions& options) {
  if (std::ranges::count(options.members, options.node, &FoundingMember::node) == 0) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("node {} is not among the initial members: allowed: one of the "
                                 "ids listed there",
                                 options.node.value()));
  }
  const Result<std::unique_ptr<SnapshotSource>> source = SnapshotSource::Open(options.snapshot);
  if (!source) return std::unexpected(source.error());
  const Result<VerifiedSnapshot> verified = Verify(**source);
  if (!verified) return std::unexpected(verified.error());
  const Result<std::optional<NodeIdentity>> target = CheckTarget(options.data_dir);
  if (!target) return std::unexpected(target.error());

  const std::string hash =
      RestoredClusterHash(options, verified->cluster.cluster_id, verified->groups);
  const ClusterState cluster = RefoundedClusterState(
      verified->cluster, hash.substr(0, kClusterIdBytes), MembersOf(options.members));
  Result<DirectoryRewrite> rewrite =
      DirectoryRewrite::Begin(options.data_dir, *target,
                              {.node_id = options.node,
                               .cluster_id = "",
                               .store_id = NewStoreId(*ports.rng),
                               .bootstrap_hash = hash,
                               .quarantine = "",
                               .unfinished = std::string(kRestoreCommand)},
                              ports);
  if (!rewrite) return std::unexpected(rewrite.error());
  std::vector<MovingGroup> groups;
  for (const RestoredGroup& wanted : verified->groups) {
    Result<MovingGroup> copied =
        CopyGroup(rewrite->engine(), (*source)->snapshot(), wanted, ports.clock->WallNow());
    if (!copied) return std::unexpected(copied.error());
    groups.push_back(*std::move(copied));
  }
  if (rewrite->engine().log().Groups().size() != groups.size()) {
    return NotEmpty(options.data_dir,
                    "groups that an interrupted restore of another snapshot left");
  }
  if (Status done = rewrite->Finish(cluster, std::move(groups)); !done) {
    return std::unexpected(done.error());
  }
  return RestoredDirectory{.snapshot = (*source)->snapshot().name(),
                           .former_cluster_id = ToHex(verified->cluster.cluster_id),
                           .cluster_id = ToHex(cluster.cluster_id),
                           .groups = verified->groups};
}

Result<RestoredDirectory> RestoreSnapshot(const RestoreOptions& options) {
  SystemClock clock;
  SystemRng rng;
  ProcessFatalHandler fatal;
  PrometheusMetrics metrics;
  return RestoreSnapshotOn({.clock = &clock, .rng = &rng, .fatal = &fatal, .metrics = &metrics},
                           options);
}

}  // namespace seshat
