// NodeConfig: everything a node can be told, from flags, environment, file and defaults.
//
// One table describes every field (ConfigFields): its TOML key, variable, flag and meaning. The
// reader, the command line and docs/operating.md all follow that table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// "host:port"; an IPv6 address stands in brackets.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  std::string ToString() const;
  // Whether only this machine can reach it: 127.0.0.0/8, ::1 or "localhost".
  bool IsLoopback() const;
  // Whether it stands for every address of the machine, and so cannot be advertised.
  bool IsWildcard() const;

  bool operator==(const Endpoint&) const = default;
};

struct FoundingMember {
  NodeId node;
  Endpoint internal_address;

  bool operator==(const FoundingMember&) const = default;
};

enum class ReadModeSetting { kLease, kQuorum, kStale };
enum class LogLevelSetting { kDebug, kInfo, kWarn, kError };
enum class LogFormatSetting { kAuto, kJson, kText };

// Bounds of docs/operating.md; all are enforced. Units last.
struct NodeLimits {
  // Replicated: fixed for the cluster when it is founded.
  std::uint64_t key_bytes_max = 64 << 10;
  std::uint64_t value_bytes_max = 16 << 20;

  std::uint64_t request_bytes_max = 64 << 20;
  std::uint64_t clients_max = 10'000;
  std::uint64_t client_output_hard_bytes_max = 64 << 20;
  std::uint64_t client_output_soft_bytes_max = 16 << 20;
  std::uint64_t client_output_soft_seconds = 60;
  std::uint64_t proposals_max = 10'000;         // in flight, each group
  std::uint64_t proposal_bytes_max = 64 << 20;  // likewise
  std::uint64_t forward_bytes_max = 64 << 20;   // each peer
  std::uint64_t log_memory_bytes_max = 512 << 20;
  std::uint64_t parked_commands_max = 1024;
  std::uint64_t leader_wait_ms_max = 5'000;
  std::uint64_t request_ms_max = 30'000;
  // Below either, writes are refused.
  std::uint64_t free_disk_bytes_min = std::uint64_t{1} << 30;
  std::uint64_t free_disk_percent_min = 5;
  std::uint64_t log_bytes_max = std::uint64_t{1} << 30;  // each group, whatever followers need
};

// When snapshots are taken and how they travel. Source: docs/adr/0011-snapshot-pause.md.
struct SnapshotSettings {
  std::uint64_t entries = 10'000;
  std::uint64_t interval_seconds = 30;
  std::uint64_t log_bytes = 100 << 20;
  std::uint64_t log_tail_bytes = 256 << 20;
  std::uint64_t send_bytes_per_second_max = 0;  // 0: no bound
};

// When a leader hands over because of its disk. Source: docs/adr/0018-slow-disks.md.
struct SlowDiskSettings {
  bool hand_over = true;
  std::uint64_t sync_ms_min = 50;
  std::uint64_t factor = 5;
  std::uint64_t sustained_ms = 5'000;
  std::uint64_t pause_seconds = 30;
};

struct NodeConfig {
  NodeId node_id{1};
  std::string cluster_name;
  std::string data_dir = "./seshat-data";
  Endpoint client_addr{"127.0.0.1", 6379};
  Endpoint internal_addr{"127.0.0.1", 7379};
  Endpoint admin_addr{"127.0.0.1", 9090};
  // What others are told; unset: the address bound, for the internal one this node's entry in
  // initial_members first.
  std::optional<Endpoint> advertise_client_addr;
  std::optional<Endpoint> advertise_internal_addr;
  std::optional<Endpoint> advertise_admin_addr;
  bool bootstrap = false;
  std::vector<FoundingMember> initial_members;  // ascending by node
  std::optional<Endpoint> join;                 // the internal address of a member
  std::string cluster_secret_file;
  bool insecure_internal = false;
  std::string password_file;
  bool protected_mode = true;
  ReadModeSetting read_mode = ReadModeSetting::kLease;
  std::uint64_t state_comparison_seconds = 60;
  LogLevelSetting log_level = LogLevelSetting::kInfo;
  LogFormatSetting log_format = LogFormatSetting::kAuto;

  NodeLimits limits;
  SnapshotSettings snapshots;
  SlowDiskSettings slow_disk;
  std::uint64_t heartbeat_ms = 100;
  std::uint64_t election_timeout_min_ms = 500;
  std::uint64_t election_timeout_max_ms = 1'000;
  std::uint64_t rpc_timeout_ms = 5'000;
  std::uint64_t block_cache_bytes = 256 << 20;
  std::uint64_t write_buffer_bytes = 256 << 20;
  std::uint64_t io_threads = 0;  // 0: chosen by the number of cores
  std::uint64_t read_threads = 0;

  // Read from the files named above.
  std::string cluster_secret;
  std::string password;

  Endpoint AdvertisedClient() const;
  Endpoint AdvertisedInternal() const;
  Endpoint AdvertisedAdmin() const;
  // initial_members, or this node alone; nobody for a node that joins.
  std::vector<FoundingMember> FoundingMembers() const;
};

// How one field may be given.
struct ConfigField {
  std::string_view key;       // in the TOML file, as "data_dir" or "limits.clients_max"
  std::string_view variable;  // "SESHAT_DATA_DIR"
  std::string_view flag;      // "--data-dir"; empty: none
  bool is_switch = false;     // the flag takes no value and means "yes"
  std::string_view hint;      // what a value looks like, "DIR"
  std::string_view meaning;
};

// Every field, in the order of the documentation.
std::span<const ConfigField> ConfigFields();

// Values as they were given, before any check.
struct ConfigSources {
  std::string file;                                            // --config; empty: none
  std::vector<std::pair<std::string, std::string>> flags;      // flag and value; switches "yes"
  std::vector<std::pair<std::string, std::string>> variables;  // SESHAT_..., SESHAT_CONFIG too
};

struct LoadedConfig {
  NodeConfig config;
  std::vector<std::string> warnings;  // for the log, such as an unknown SESHAT_ variable
};

// Reads and checks everything: a flag beats the environment beats the file beats the default.
// Errors: kInvalidArgument naming the field, its value, where it was given and what is allowed, or
//         the fields that contradict each other; kIo for a file that cannot be read.
Result<LoadedConfig> LoadNodeConfig(const ConfigSources& sources);

// Errors: kInvalidArgument. Allowed: HOST:PORT, port 0 to 65535.
Result<Endpoint> ParseEndpoint(std::string_view text);

// Ascending by node. Errors: kInvalidArgument with only what is allowed.
Result<std::vector<FoundingMember>> ParseFoundingMembers(std::string_view text);

}  // namespace seshat
