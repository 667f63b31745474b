#include "seshat/admin/status_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "seshat/admin/group_names.h"

namespace seshat {
namespace {

using Json = nlohmann::ordered_json;

Json MemberJson(const MemberReport& member) {
  return {{"node_id", member.node.value()},
          {"client_address", member.client_address},
          {"internal_address", member.internal_address},
          {"admin_address", member.admin_address},
          {"is_self", member.is_self},
          {"is_connected", member.is_connected},
          {"state", member.state},
          {"problem", member.problem}};
}

Json NodeIdsJson(const std::vector<NodeId>& nodes) {
  Json ids = Json::array();
  for (const NodeId node : nodes) ids.push_back(node.value());
  return ids;
}

std::vector<NodeId> NodeIdsFrom(const Json& json) {
  std::vector<NodeId> nodes;
  for (const Json& id : json) nodes.emplace_back(id.get<std::uint64_t>());
  return nodes;
}

Json GroupJson(const GroupReport& group) {
  Json followers = Json::array();
  for (const FollowerReport& follower : group.followers) {
    followers.push_back({{"node_id", follower.node.value()},
                         {"match", follower.match.value()},
                         {"is_active", follower.is_active}});
  }
  return {{"group_id", group.group.value()},
          {"name", GroupName(group.group)},
          {"role", group.role},
          {"leader", group.leader.value()},
          {"term", group.term.value()},
          {"commit", group.commit.value()},
          {"applied", group.applied.value()},
          {"last", group.last.value()},
          {"lag_entries", group.lag_entries},
          {"log_size_bytes", group.log_size_bytes},
          {"snapshot", group.snapshot.value()},
          {"fetching_snapshot", group.fetching.index.value()},
          {"fetching_keys", group.fetching.keys},
          {"keys_fetched", group.fetching.keys_received},
          {"bytes_fetched", group.fetching.bytes_received},
          {"has_quorum", group.has_quorum},
          {"voters", NodeIdsJson(group.voters)},
          {"learners", NodeIdsJson(group.learners)},
          {"followers", std::move(followers)},
          {"problem", group.problem}};
}

MemberReport MemberFrom(const Json& json) {
  MemberReport member;
  member.node = NodeId(json.at("node_id").get<std::uint64_t>());
  member.client_address = json.at("client_address").get<std::string>();
  member.internal_address = json.at("internal_address").get<std::string>();
  member.admin_address = json.at("admin_address").get<std::string>();
  member.is_self = json.at("is_self").get<bool>();
  member.is_connected = json.at("is_connected").get<bool>();
  member.problem = json.at("problem").get<std::string>();
  // Nodes of before do not have it.
  member.state = json.value("state", member.state);
  return member;
}

GroupReport GroupFrom(const Json& json) {
  GroupReport group;
  group.group = GroupId(json.at("group_id").get<std::uint64_t>());
  group.role = json.at("role").get<std::string>();
  group.leader = NodeId(json.at("leader").get<std::uint64_t>());
  group.term = Term(json.at("term").get<std::uint64_t>());
  group.commit = LogIndex(json.at("commit").get<std::uint64_t>());
  group.applied = LogIndex(json.at("applied").get<std::uint64_t>());
  group.last = LogIndex(json.at("last").get<std::uint64_t>());
  group.lag_entries = json.at("lag_entries").get<std::uint64_t>();
  group.log_size_bytes = json.at("log_size_bytes").get<std::uint64_t>();
  // Nodes of before do not have them.
  group.snapshot = LogIndex(json.value("snapshot", std::uint64_t{0}));
  group.fetching = {.index = LogIndex(json.value("fetching_snapshot", std::uint64_t{0})),
                    .keys = json.value("fetching_keys", std::uint64_t{0}),
                    .keys_received = json.value("keys_fetched", std::uint64_t{0}),
                    .bytes_received = json.value("bytes_fetched", std::uint64_t{0})};
  group.has_quorum = json.at("has_quorum").get<bool>();
  group.voters = NodeIdsFrom(json.at("voters"));
  group.learners = NodeIdsFrom(json.value("learners", Json::array()));
  for (const Json& follower : json.at("followers")) {
    group.followers.push_back({NodeId(follower.at("node_id").get<std::uint64_t>()),
                               LogIndex(follower.at("match").get<std::uint64_t>()),
                               follower.at("is_active").get<bool>()});
  }
  group.problem = json.at("problem").get<std::string>();
  return group;
}

StatusReport ReportFrom(const Json& json) {
  StatusReport report;
  report.node = NodeId(json.at("node_id").get<std::uint64_t>());
  report.version = json.at("version").get<std::string>();
  report.cluster_id = json.at("cluster_id").get<std::string>();
  report.store_id = json.at("store_id").get<std::string>();
  report.data_dir = json.at("data_dir").get<std::string>();
  report.uptime_s = json.at("uptime_s").get<std::uint64_t>();
  report.pid = json.at("pid").get<std::uint64_t>();
  for (const Json& member : json.at("nodes")) report.members.push_back(MemberFrom(member));
  report.removed = NodeIdsFrom(json.value("removed_nodes", Json::array()));
  for (const Json& group : json.at("groups")) report.groups.push_back(GroupFrom(group));
  for (const Json& problem : json.at("problems")) {
    report.problems.push_back(problem.get<std::string>());
  }
  return report;
}

std::string OrDash(const std::string& text) {
  return text.empty() ? "-" : text;
}

// "-", "8", "8 (fetching 20)"
std::string SnapshotText(const GroupReport& group) {
  std::string text = group.snapshot == LogIndex{} ? "-" : std::to_string(group.snapshot.value());
  if (group.fetching.index != LogIndex{}) {
    text += fmt::format(" (fetching {})", group.fetching.index.value());
  }
  return text;
}

// Rows of equal length, each column as wide as its widest cell.
std::string AlignedRows(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 < row.size() ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace

bool StatusReport::IsHealthy() const {
  const auto has_problem = [](const auto& part) { return !part.problem.empty(); };
  return problems.empty() && std::none_of(members.begin(), members.end(), has_problem) &&
         std::none_of(groups.begin(), groups.end(), has_problem);
}

std::string ToJson(const StatusReport& report) {
  Json members = Json::array();
  for (const MemberReport& member : report.members) members.push_back(MemberJson(member));
  Json groups = Json::array();
  for (const GroupReport& group : report.groups) groups.push_back(GroupJson(group));
  const Json json = {
      {"node_id", report.node.value()}, {"version", report.version},
      {"healthy", report.IsHealthy()},  {"cluster_id", report.cluster_id},
      {"store_id", report.store_id},    {"data_dir", report.data_dir},
      {"uptime_s", report.uptime_s},    {"pid", report.pid},
      {"nodes", std::move(members)},    {"removed_nodes", NodeIdsJson(report.removed)},
      {"groups", std::move(groups)},    {"problems", report.problems}};
  // A path or an address need not be UTF-8; a status page must not fail over that.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<StatusReport> ParseStatusReport(std::string_view json) {
  try {
    return ReportFrom(Json::parse(json));
  } catch (const nlohmann::json::exception& error) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not a status report: {}", error.what()));
  }
}

std::string ToMemberTable(const StatusReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"NODE", "STATE", "RESP", "INTERNAL", "ADMIN", "LINK"}};
  for (const MemberReport& member : report.members) {
    rows.push_back({std::to_string(member.node.value()), member.state,
                    OrDash(member.client_address), OrDash(member.internal_address),
                    OrDash(member.admin_address),
                    member.is_self        ? "this node"
                    : member.is_connected ? "connected"
                                          : "not connected"});
  }
  return AlignedRows(rows);
}

std::string ToTable(const StatusReport& report) {
  std::string out =
      fmt::format("cluster {}, seen from node {} (seshat {}, up {} s)\n\n",
                  OrDash(report.cluster_id), report.node.value(), report.version, report.uptime_s);
  out += ToMemberTable(report) + "\n";
  std::vector<std::vector<std::string>> rows;
  rows = {{"GROUP", "ROLE", "LEADER", "TERM", "COMMIT", "APPLIED", "LAG", "QUORUM", "SNAPSHOT"}};
  for (const GroupReport& group : report.groups) {
    rows.push_back({GroupName(group.group), group.role,
                    group.leader == kNoNode ? "-" : std::to_string(group.leader.value()),
                    std::to_string(group.term.value()), std::to_string(group.commit.value()),
                    std::to_string(group.applied.value()), std::to_string(group.lag_entries),
                    group.has_quorum ? "yes" : "no", SnapshotText(group)});
  }
  out += AlignedRows(rows);
  std::string problems;
  for (const std::string& problem : report.problems) problems += "  " + problem + "\n";
  for (const MemberReport& member : report.members) {
    if (member.problem.empty()) continue;
    problems += fmt::format("  node {}: {}\n", member.node.value(), member.problem);
  }
  for (const GroupReport& group : report.groups) {
    if (group.problem.empty()) continue;
    problems += fmt::format("  group {}: {}\n", GroupName(group.group), group.problem);
  }
  return out + (problems.empty() ? "\nhealthy\n" : "\nproblems:\n" + problems);
}

}  // namespace seshat
