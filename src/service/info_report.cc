#include "info_report.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "ascii_text.h"
#include "process_usage.h"
#include "replication_report.h"
#include "seshat/base/host_port.h"
#include "snapshot_commands.h"

namespace seshat {
namespace {

// Threads: owned by its user, for one command.
class Report {
 public:
  explicit Report(ServiceContext& context) : context_(context), usage_(ReadProcessUsage()) {}

  void Server();
  void Clients();
  void Memory();
  void Persistence();
  void Stats();
  void Replication();
  void Cpu();
  void CommandStats();
  void ErrorStats();
  void Cluster();
  void Keyspace();
  void Raft();

  std::string Take() { return std::move(text_); }

 private:
  void Heading(std::string_view title) {
    fmt::format_to(std::back_inserter(text_), "{}# {}\r\n", text_.empty() ? "" : "\r\n", title);
  }
  template <typename T>
  void Field(std::string_view name, const T& value) {
    fmt::format_to(std::back_inserter(text_), "{}:{}\r\n", name, value);
  }
  void RaftGroup(GroupId group, const ShardGroup& replica);

  ServiceContext& context_;
  const ProcessUsage usage_;
  std::string text_;
};

std::string HumanBytes(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1024) return fmt::format("{}B", bytes);
  if (bytes < 1024 * 1024) return fmt::format("{:.2f}K", value / 1024);
  if (bytes < 1024 * 1024 * 1024) return fmt::format("{:.2f}M", value / (1024 * 1024));
  return fmt::format("{:.2f}G", value / (1024 * 1024 * 1024));
}

void Report::Server() {
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(context_.ports.clock->Now() -
                                                                       context_.started_at)
                          .count();
  const ClusterMember* self = context_.ports.cluster->Get()->FindMember(context_.options.node);
  Heading("Server");
  Field("redis_version", "7.0.15");
  Field("redis_git_sha1", "00000000");
  Field("redis_git_dirty", 0);
  Field("redis_mode", "cluster");
  Field("seshat_version", context_.options.seshat_version);
  Field("os", usage_.os);
  Field("arch_bits", 64);
  Field("process_id", usage_.process_id);
  Field("run_id", context_.options.run_id);
  Field("tcp_port", self == nullptr ? 0 : SplitHostPort(self->client_address).port);
  Field("server_time_usec", context_.ports.clock->WallNow().value * 1000);
  Field("uptime_in_seconds", uptime);
  Field("uptime_in_days", uptime / 86400);
  Field("io_threads_active", 0);
}

void Report::Clients() {
  Heading("Clients");
  Field("connected_clients", context_.clients.size());
  Field("maxclients", context_.options.clients_max);
  Field("blocked_clients", context_.parked_commands.load(std::memory_order_relaxed));
}

void Report::Memory() {
  Heading("Memory");
  Field("used_memory", usage_.resident_bytes);
  Field("used_memory_human", HumanBytes(usage_.resident_bytes));
  Field("used_memory_rss", usage_.resident_bytes);
  Field("used_memory_rss_human", HumanBytes(usage_.resident_bytes));
  Field("used_memory_peak", usage_.resident_bytes_max);
  Field("used_memory_peak_human", HumanBytes(usage_.resident_bytes_max));
  Field("total_system_memory", usage_.memory_total_bytes);
  Field("total_system_memory_human", HumanBytes(usage_.memory_total_bytes));
  Field("maxmemory", 0);
  Field("maxmemory_human", "0B");
  Field("maxmemory_policy", "noeviction");
  Field("mem_allocator", "jemalloc");
}

void Report::Persistence() {
  Heading("Persistence");
  Field("loading", 0);
  const SnapshotPicture picture = TakeSnapshotPicture(context_);
  Field("rdb_changes_since_last_save", picture.entries_since_last);
  Field("rdb_bgsave_in_progress", picture.is_taking ? 1 : 0);
  Field("rdb_last_save_time", picture.last_kept_at_s);
  Field("rdb_last_bgsave_status", picture.has_last_failed ? "err" : "ok");
  Field("rdb_last_bgsave_time_sec", picture.last_took_s);
  Field("rdb_current_bgsave_time_sec", picture.taking_for_s);
  Field("rdb_saves", picture.taken);
  Field("aof_enabled", 1);
  Field("aof_rewrite_in_progress", 0);
  Field("aof_last_write_status", "ok");
}

void Report::Stats() {
  std::uint64_t expired = 0;
  for (const auto& [group, replica] : context_.router.Replicas()) {
    expired += replica.info->keys_expired.load(std::memory_order_relaxed);
  }
  Heading("Stats");
  Field("total_connections_received", context_.clients.accepted());
  Field("total_commands_processed", context_.metrics.total());
  Field("rejected_connections", context_.clients.refused());
  Field("expired_keys", expired);
  Field("evicted_keys", 0);
  Field("pubsub_channels", 0);
  Field("pubsub_patterns", 0);
  Field("total_error_replies", context_.metrics.errors());
}

void Report::Replication() {
  Heading("Replication");
  Field("role", "master");
  const ReplicationPicture picture = TakeReplicationPicture(context_);
  Field("connected_slaves", picture.replicas.size());
  for (std::size_t i = 0; i < picture.replicas.size(); ++i) {
    const ReplicaPicture& replica = picture.replicas[i];
    Field(fmt::format("slave{}", i),
          fmt::format("ip={},port={},state={},offset={},lag={}", replica.host, replica.port,
                      replica.state, replica.offset, replica.lag_seconds));
  }
  Field("master_repl_offset", picture.offset);
}

void Report::Cpu() {
  Heading("CPU");
  Field("used_cpu_sys", fmt::format("{:.6f}", usage_.system_seconds));
  Field("used_cpu_user", fmt::format("{:.6f}", usage_.user_seconds));
}

void Report::CommandStats() {
  Heading("Commandstats");
  for (const auto& command : context_.metrics.ByCommand()) {
    const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(command.total).count();
    Field(fmt::format("cmdstat_{}", command.name),
          fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls=0,failed_calls={}",
                      command.calls, usec,
                      static_cast<double>(usec) / static_cast<double>(command.calls),
                      command.failed_calls));
  }
}

void Report::ErrorStats() {
  Heading("Errorstats");
  for (const auto& [prefix, count] : context_.metrics.ByError()) {
    Field(fmt::format("errorstat_{}", prefix), fmt::format("count={}", count));
  }
}

void Report::Cluster() {
  Heading("Cluster");
  Field("cluster_enabled", 1);
}

void Report::Keyspace() {
  std::uint64_t keys = 0;
  for (const auto& [group, replica] : context_.router.Replicas()) {
    keys += replica.info->key_count.load(std::memory_order_relaxed);
  }
  Heading("Keyspace");
  // Keys that will expire are not counted; parsers of INFO want the field all the same.
  if (keys > 0) Field("db0", fmt::format("keys={},expires=0,avg_ttl=0", keys));
}

void Report::RaftGroup(GroupId group, const ShardGroup& replica) {
  const GroupStatus status = replica.GetStatus();
  const std::string prefix = fmt::format("group_{}_", group.value());
  Field(prefix + "role", ToString(status.core.role));
  Field(prefix + "term", status.core.term.value());
  Field(prefix + "leader", status.core.leader.value());
  Field(prefix + "commit_index", status.core.commit_index.value());
  Field(prefix + "applied_index", status.applied_index.value());
  Field(prefix + "last_index", status.core.last_index.value());
  Field(prefix + "snapshot_index", status.snapshot_index.value());
  Field(prefix + "snapshots_installed", status.snapshots_installed);
  Field(prefix + "log_size_bytes", status.log_size_bytes);
  Field(prefix + "has_quorum", status.has_quorum ? 1 : 0);
  Field(prefix + "proposals_in_flight", status.proposals_in_flight);
}

void Report::Raft() {
  const std::shared_ptr<const ClusterState> state = context_.ports.cluster->Get();
  Heading("Raft");
  Field("node_id", context_.options.node.value());
  Field("cluster_nodes", state->members.size());
  Field("cluster_shards", state->shards.size());
  Field("feature_level", state->feature_level.value());
  for (const auto& [group, replica] : context_.router.Replicas()) {
    RaftGroup(group, *replica.group);
  }
}

// A section and whether INFO without arguments shows it.
struct Section {
  std::string_view name;
  bool is_default = true;
  void (Report::*write)() = nullptr;
};

constexpr Section kSections[] = {
    {"server", true, &Report::Server},
    {"clients", true, &Report::Clients},
    {"memory", true, &Report::Memory},
    {"persistence", true, &Report::Persistence},
    {"stats", true, &Report::Stats},
    {"replication", true, &Report::Replication},
    {"cpu", true, &Report::Cpu},
    {"commandstats", false, &Report::CommandStats},
    {"errorstats", true, &Report::ErrorStats},
    {"cluster", true, &Report::Cluster},
    {"keyspace", true, &Report::Keyspace},
    {"raft", true, &Report::Raft},
};

bool IsWanted(const Section& section, Arguments wanted) {
  if (wanted.empty()) return section.is_default;
  for (std::string_view name : wanted) {
    if (EqualsIgnoringCase(name, section.name) || EqualsIgnoringCase(name, "all") ||
        EqualsIgnoringCase(name, "everything")) {
      return true;
    }
    if (EqualsIgnoringCase(name, "default") && section.is_default) return true;
  }
  return false;
}

}  // namespace

Reply ExecuteInfo(Arguments arguments, ServiceContext& context) {
  Report report(context);
  for (const Section& section : kSections) {
    if (IsWanted(section, arguments.subspan(1))) (report.*section.write)();
  }
  return Reply::Verbatim(report.Take());
}

}  // namespace seshat
