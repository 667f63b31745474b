#include "node_health.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "data_directory.h"

namespace seshat {
namespace {

constexpr std::uint64_t kReadyLagEntriesMax = 100;  // exclusive
// The steward comes round 20 times a second; one slow disk sync must not look like death.
constexpr Duration kLivenessMax = std::chrono::seconds(30);

std::string GroupName(GroupId group) {
  if (group == kSystemGroup) return "system group";
  if (group == kFirstDataGroup) return "data group";
  return fmt::format("shard {}", group.value());
}

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::weakly_canonical(path, error);
  return error ? path : absolute.string();
}

}  // namespace

GroupReport ReportOf(const GroupStatus& status) {
  GroupReport report;
  report.group = status.group;
  report.role = ToString(status.core.role);
  report.leader = status.core.leader;
  report.term = status.core.term;
  report.commit = status.core.commit_index;
  report.applied = status.applied_index;
  report.last = status.core.last_index;
  const LogIndex known = std::max(status.known_commit, status.core.commit_index);
  report.lag_entries =
      known > status.applied_index ? known.value() - status.applied_index.value() : 0;
  report.log_size_bytes = status.log_size_bytes;
  report.snapshot = status.snapshot_index;
  if (const auto& fetching = status.fetching) {
    report.fetching = {.index = fetching->index,
                       .keys = fetching->keys,
                       .keys_received = std::min(fetching->rows_received, fetching->keys),
                       .bytes_received = fetching->bytes_received};
  }
  report.has_quorum = status.has_quorum;
  report.voters = status.core.configuration.Voters();
  report.learners = status.core.configuration.learners;
  for (const FollowerStatus& follower : status.core.followers) {
    report.followers.push_back({follower.id, follower.match, follower.recently_active});
  }
  if (report.leader == kNoNode) {
    report.problem =
        "no leader is known: fewer than a majority of the voters can be reached, or an "
        "election is going on";
  } else if (!report.has_quorum) {
    report.problem = "no quorum: too few voters have been heard of lately";
  } else if (report.lag_entries >= kReadyLagEntriesMax || status.fetching) {
    // Few entries may be much data, and none of it is here while a snapshot is fetched.
    report.problem = fmt::format("{} entries behind", report.lag_entries);
    if (status.fetching) report.problem += ": fetching a snapshot from the leader";
  }
  return report;
}

NodeHealth::NodeHealth(const NodeConfig& config, const std::string& store_id,
                       const NodeHealthPorts& ports)
    : config_(config),
      store_id_(ToHex(store_id)),
      ports_(ports),
      data_dir_(AbsolutePath(config.data_dir)),
      started_at_(ports.clock->Now()) {}

void NodeHealth::ExportMetrics(Metrics& metrics) const {
  const std::vector<MemberReport> members = Members();
  const auto nodes = std::ranges::count_if(members, &MemberReport::is_connected);
  const std::vector<GroupReport> groups = Groups();
  const auto shards = std::ranges::count_if(groups, [](const GroupReport& group) {
    return group.group != kSystemGroup && group.leader != kNoNode && group.has_quorum;
  });
  metrics
      .GetGauge("cluster_nodes_healthy", "Members that this node can send to, itself included.", {})
      .Set(static_cast<double>(nodes));
  metrics.GetGauge("cluster_shards_healthy", "Shards with a quorum, as this node sees it.", {})
      .Set(static_cast<double>(shards));
}

HealthAnswer NodeHealth::GetLiveness() const {
  const Duration silence = ports_.clock->Now() - ports_.steward->LastRound();
  if (is_stopping_ || silence < kLivenessMax) return {};
  return {{fmt::format("no progress for {} s",
                       std::chrono::duration_cast<std::chrono::seconds>(silence).count())}};
}

HealthAnswer NodeHealth::GetReadiness() const {
  HealthAnswer answer;
  if (is_stopping_) answer.reasons.push_back("shutting down");
  std::ranges::move(ports_.steward->Obstacles(), std::back_inserter(answer.reasons));
  for (const GroupReport& group : Groups()) {
    if (group.problem.empty()) continue;
    answer.reasons.push_back(fmt::format("{}: {}", GroupName(group.group), group.problem));
  }
  return answer;
}

HealthAnswer NodeHealth::GetHealth() const {
  HealthAnswer answer;
  const std::vector<GroupReport> groups = Groups();
  if (groups.empty()) answer.reasons = ports_.steward->Obstacles();
  for (const GroupReport& group : groups) {
    if (group.has_quorum && group.leader != kNoNode) continue;
    answer.reasons.push_back(fmt::format("{}: {}", GroupName(group.group), group.problem));
  }
  if (answer.IsGood()) return answer;
  for (const MemberReport& member : Members()) {
    if (member.problem.empty()) continue;
    answer.reasons.push_back(fmt::format("node {}: {}", member.node.value(), member.problem));
  }
  return answer;
}

StatusReport NodeHealth::GetStatus() const {
  const std::shared_ptr<const ClusterState> state = ports_.cluster->Get();
  StatusReport report;
  report.node = config_.node_id;
  report.version = SESHAT_VERSION;
  report.cluster_id = ToHex(state->cluster_id);
  report.store_id = store_id_;
  report.data_dir = data_dir_;
  const Duration uptime = ports_.clock->Now() - started_at_;
  report.uptime_s =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(uptime).count());
  report.pid = static_cast<std::uint64_t>(::getpid());
  report.members = Members();
  report.removed = state->removed;
  report.groups = Groups();
  report.problems = ports_.steward->Obstacles();
  if (is_stopping_) report.problems.push_back("shutting down");
  if (const auto refusal = ports_.disk->Refusal()) report.problems.push_back(*refusal);
  return report;
}

std::vector<GroupReport> NodeHealth::Groups() const {
  std::vector<GroupReport> reports;
  for (const auto& [group, driver] : ports_.groups->All()) {
    reports.push_back(ReportOf(driver->GetStatus()));
  }
  return reports;
}

std::vector<MemberReport> NodeHealth::Members() const {
  std::vector<MemberReport> reports;
  const std::shared_ptr<const ClusterState> state = ports_.cluster->Get();
  for (const ClusterMember& member : state->members) {
    MemberReport row;
    row.node = member.id;
    row.client_address = member.client_address;
    row.internal_address = member.internal_address;
    row.admin_address = member.admin_address;
    row.state = member.is_leaving ? "leaving" : state->IsPlaced(member.id) ? "voter" : "joining";
    row.is_self = member.id == config_.node_id;
    row.is_connected = row.is_self || ports_.transport->Connected(member.id);
    if (!row.is_connected) {
      const std::string why = ports_.transport->LastError(member.id);
      row.problem = why.empty() ? "not connected" : "not connected: " + why;
    }
    reports.push_back(std::move(row));
  }
  return reports;
}

}  // namespace seshat
