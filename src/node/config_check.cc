#include "config_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace seshat {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;
// What a request adds to its key and value: command name, counts, lengths.
constexpr std::uint64_t kRequestOverheadBytes = 1 << 10;

std::unexpected<Error> Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(message));
}

Status CheckRaft(const NodeConfig& config) {
  if (config.election_timeout_min_ms < 3 * config.heartbeat_ms) {
    return Invalid(fmt::format(
        "raft.election_timeout_min_ms = {} contradicts raft.heartbeat_ms = {}: allowed: at least "
        "three heartbeats, {}",
        config.election_timeout_min_ms, config.heartbeat_ms, 3 * config.heartbeat_ms));
  }
  if (config.election_timeout_max_ms <= config.election_timeout_min_ms) {
    return Invalid(fmt::format(
        "raft.election_timeout_max_ms = {} contradicts raft.election_timeout_min_ms = {}: allowed: "
        "more than the minimum",
        config.election_timeout_max_ms, config.election_timeout_min_ms));
  }
  return {};
}

// A request that one limit lets in must not be impossible by the next.
Status CheckLimits(const NodeLimits& limits, const SnapshotSettings& snapshots) {
  const std::uint64_t smallest_set =
      limits.key_bytes_max + limits.value_bytes_max + kRequestOverheadBytes;
  if (limits.request_bytes_max < smallest_set) {
    return Invalid(fmt::format(
        "limits.request_bytes_max = {} contradicts limits.key_bytes_max = {} and "
        "limits.value_bytes_max = {}: allowed: at least {}, so that the longest key and value fit",
        limits.request_bytes_max, limits.key_bytes_max, limits.value_bytes_max, smallest_set));
  }
  if (limits.proposal_bytes_max < limits.request_bytes_max) {
    return Invalid(fmt::format(
        "limits.proposal_bytes_max = {} contradicts limits.request_bytes_max = {}: allowed: at "
        "least as much, so that the longest request can be proposed",
        limits.proposal_bytes_max, limits.request_bytes_max));
  }
  if (limits.forward_bytes_max < limits.request_bytes_max) {
    return Invalid(fmt::format(
        "limits.forward_bytes_max = {} contradicts limits.request_bytes_max = {}: allowed: at "
        "least as much, so that the longest request can be forwarded",
        limits.forward_bytes_max, limits.request_bytes_max));
  }
  if (limits.log_memory_bytes_max < limits.proposal_bytes_max) {
    return Invalid(fmt::format(
        "limits.log_memory_bytes_max = {} contradicts limits.proposal_bytes_max = {}: allowed: at "
        "least as much",
        limits.log_memory_bytes_max, limits.proposal_bytes_max));
  }
  if (limits.log_bytes_max < snapshots.log_tail_bytes) {
    return Invalid(fmt::format(
        "limits.log_bytes_max = {} contradicts snapshots.log_tail_bytes = {}: allowed: at least as "
        "much",
        limits.log_bytes_max, snapshots.log_tail_bytes));
  }
  if (limits.client_output_hard_bytes_max < limits.client_output_soft_bytes_max) {
    return Invalid(fmt::format(
        "limits.client_output_hard_bytes_max = {} contradicts limits.client_output_soft_bytes_max "
        "= {}: allowed: at least as much",
        limits.client_output_hard_bytes_max, limits.client_output_soft_bytes_max));
  }
  if (limits.client_output_hard_bytes_max < limits.value_bytes_max + kRequestOverheadBytes) {
    return Invalid(fmt::format(
        "limits.client_output_hard_bytes_max = {} contradicts limits.value_bytes_max = {}: "
        "allowed: more than one value",
        limits.client_output_hard_bytes_max, limits.value_bytes_max));
  }
  return {};
}

Status CheckMembers(const NodeConfig& config) {
  if (config.join && (config.bootstrap || !config.initial_members.empty())) {
    return Invalid(
        fmt::format("join = \"{}\" contradicts {}: allowed: join, to become a member of a cluster, "
                    "or bootstrap with initial_members, to found one",
                    config.join->ToString(), config.bootstrap ? "bootstrap" : "initial_members"));
  }
  if (config.join && config.join->port == 0) {
    return Invalid(
        fmt::format("join = \"{}\": allowed: a port from 1 to 65535", config.join->ToString()));
  }
  if (config.bootstrap && config.initial_members.empty()) {
    return Invalid(
        "bootstrap = \"yes\" without initial_members (--initial-members): allowed: both, or "
        "neither "
        "for a cluster of one");
  }
  if (config.initial_members.empty()) return {};
  const auto self =
      std::find_if(config.initial_members.begin(), config.initial_members.end(),
                   [&](const FoundingMember& member) { return member.node == config.node_id; });
  if (self == config.initial_members.end()) {
    return Invalid(
        fmt::format("node_id = {} is not in initial_members: allowed: one of the ids listed there",
                    config.node_id.value()));
  }
  if (config.advertise_internal_addr && *config.advertise_internal_addr != self->internal_address) {
    return Invalid(fmt::format(
        "advertise_internal_addr = \"{}\" contradicts initial_members, which has node {} at "
        "\"{}\": allowed: the same address, or leave advertise_internal_addr out",
        config.advertise_internal_addr->ToString(), config.node_id.value(),
        self->internal_address.ToString()));
  }
  return {};
}

Status CheckAddresses(const NodeConfig& config) {
  const auto clash = [](const Endpoint& a, const Endpoint& b) {
    return a.port != 0 && a.port == b.port &&
           (a.host == b.host || a.IsWildcard() || b.IsWildcard());
  };
  const std::pair<std::string_view, Endpoint> bound[] = {{"client_addr", config.client_addr},
                                                         {"internal_addr", config.internal_addr},
                                                         {"admin_addr", config.admin_addr}};
  for (std::size_t i = 0; i < std::size(bound); ++i) {
    for (std::size_t j = i + 1; j < std::size(bound); ++j) {
      if (!clash(bound[i].second, bound[j].second)) continue;
      return Invalid(fmt::format("{} = \"{}\" contradicts {} = \"{}\": allowed: different ports",
                                 bound[i].first, bound[i].second.ToString(), bound[j].first,
                                 bound[j].second.ToString()));
    }
  }
  const std::pair<std::string_view, Endpoint> advertised[] = {
      {"client_addr", config.AdvertisedClient()},
      {"internal_addr", config.AdvertisedInternal()},
      {"admin_addr", config.AdvertisedAdmin()}};
  for (const auto& [field, address] : advertised) {
    if (!address.IsWildcard()) continue;
    return Invalid(fmt::format(
        "{} = \"{}\" is no address that others can reach: allowed: set advertise_{} to one", field,
        address.ToString(), field));
  }
  return {};
}

Status CheckDoors(const NodeConfig& config) {
  const bool is_closed = config.internal_addr.IsLoopback() || !config.cluster_secret.empty();
  if (is_closed || config.insecure_internal) return {};
  return Invalid(fmt::format(
      "internal_addr = \"{}\" can be reached from other machines without a secret: allowed: a "
      "loopback address, or cluster_secret_file (--cluster-secret-file F, at least 32 bytes), or "
      "insecure_internal (--insecure-internal)",
      config.internal_addr.ToString()));
}

}  // namespace

Status CheckNodeConfig(const NodeConfig& config) {
  if (Status checked = CheckRaft(config); !checked) return checked;
  if (Status checked = CheckLimits(config.limits, config.snapshots); !checked) return checked;
  if (Status checked = CheckMembers(config); !checked) return checked;
  if (Status checked = CheckDoors(config); !checked) return checked;
  return CheckAddresses(config);
}

std::vector<std::string> SecurityWarnings(const NodeConfig& config) {
  std::vector<std::string> warnings;
  if (!config.internal_addr.IsLoopback() && config.cluster_secret.empty()) {
    warnings.push_back(
        fmt::format("insecure_internal: anyone who reaches {} can act as a node of this cluster",
                    config.internal_addr.ToString()));
  }
  if (!config.client_addr.IsLoopback() && config.password.empty()) {
    const std::string address = config.client_addr.ToString();
    warnings.push_back(
        config.protected_mode
            ? fmt::format("no password is set: only clients on this machine are served at {} "
                          "(protected mode)",
                          address)
            : fmt::format("no password is set and protected_mode is off: anyone who reaches {} has "
                          "all data",
                          address));
  }
  if (!config.admin_addr.IsLoopback()) {
    warnings.push_back(
        fmt::format("the admin endpoint at {} has no password", config.admin_addr.ToString()));
  }
  return warnings;
}

Result<std::string> ReadWholeFile(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
  }
  std::string text;
  char buffer[4096];
  ssize_t count = 0;
  while (text.size() <= kFileBytesMax && (count = ::read(descriptor, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  const int error = errno;
  ::close(descriptor);
  if (count < 0) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot read {}: {}", file, std::strerror(error)));
  }
  if (text.size() > kFileBytesMax) {
    return Invalid(fmt::format("{} is larger than 1 MiB", file));
  }
  return text;
}

}  // namespace seshat
