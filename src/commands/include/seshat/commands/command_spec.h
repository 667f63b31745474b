// CommandSpec: what is known of a command before it runs. The table itself: command_table.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace seshat {

enum class CommandId : std::uint8_t {
  kAppend,
  kAsking,
  kAuth,
  kBgSave,
  kClient,
  kClientGetName,
  kClientId,
  kClientInfo,
  kClientList,
  kClientSetInfo,
  kClientSetName,
  kCluster,
  kClusterFailover,
  kClusterInfo,
  kClusterKeySlot,
  kClusterMyId,
  kClusterNodes,
  kClusterReplicas,
  kClusterShards,
  kClusterSlaves,
  kClusterSlots,
  kCommand,
  kCommandCount,
  kCommandDocs,
  kCommandGetKeys,
  kCommandInfo,
  kCommandList,
  kConfig,
  kConfigGet,
  kDbSize,
  kDecr,
  kDecrBy,
  kDel,
  kEcho,
  kExists,
  kExpire,
  kFlushAll,
  kFlushDb,
  kGet,
  kHello,
  kIncr,
  kIncrBy,
  kInfo,
  kLastSave,
  kMGet,
  kMSet,
  kPersist,
  kPExpire,
  kPing,
  kPTtl,
  kQuit,
  kReadOnly,
  kReadWrite,
  kReset,
  kRole,
  kSelect,
  kSet,
  kStrLen,
  kTime,
  kTtl,
  kType,
  kWait,
};

// Who runs it.
enum class CommandKind : std::uint8_t {
  kRead,        // ExecuteRead, over the keys' shard
  kWrite,       // ExecuteWrite, through the log
  kConnection,  // changes or shows the connection
  kServer,      // shows the node
  kCluster,     // shows the cluster
  kLeader,      // the keys' shard's leader, without its log
};

// Redis's flags and ACL categories, as bits.
enum class CommandFlag : std::uint32_t {
  kNone = 0,
  kWrite = 1 << 0,
  kReadOnly = 1 << 1,
  kDenyOom = 1 << 2,
  kAdmin = 1 << 3,
  kNoScript = 1 << 4,
  kLoading = 1 << 5,
  kStale = 1 << 6,
  kFast = 1 << 7,
  kNoAuth = 1 << 8,
  kAllowBusy = 1 << 9,
  kNoAsyncLoading = 1 << 10,
};

enum class AclCategory : std::uint32_t {
  kNone = 0,
  kKeyspace = 1 << 0,
  kRead = 1 << 1,
  kWrite = 1 << 2,
  kString = 1 << 3,
  kAdmin = 1 << 4,
  kFast = 1 << 5,
  kSlow = 1 << 6,
  kDangerous = 1 << 7,
  kConnection = 1 << 8,
};

// What a command does with its keys. Source: Redis 7, key specifications.
enum class KeyAccess : std::uint32_t {
  kNone = 0,
  kRo = 1 << 0,
  kRw = 1 << 1,
  kOw = 1 << 2,
  kRm = 1 << 3,
  kAccess = 1 << 4,
  kUpdate = 1 << 5,
  kInsert = 1 << 6,
  kDelete = 1 << 7,
  kVariableFlags = 1 << 8,
};

template <typename T>
concept BitSet = std::is_same_v<T, CommandFlag> || std::is_same_v<T, AclCategory> ||
                 std::is_same_v<T, KeyAccess>;

template <BitSet T>
constexpr T operator|(T a, T b) {
  return static_cast<T>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
template <BitSet T>
constexpr bool Has(T set, T member) {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(member)) != 0;
}

enum class ArgumentType : std::uint8_t {
  kString,
  kInteger,
  kKey,
  kPattern,
  kUnixTime,
  kPureToken,
  kOneOf,
  kBlock,
};

// One argument as COMMAND DOCS shows it.
// Threads: immutable.
struct ArgumentSpec {
  std::string_view name = {};
  ArgumentType type = ArgumentType::kString;
  std::string_view token = {};  // empty: none
  std::string_view since = {};  // empty: as old as the command
  bool optional = false;
  bool multiple = false;
  const ArgumentSpec* parts = nullptr;  // kOneOf, kBlock
  std::size_t part_count = 0;

  std::span<const ArgumentSpec> Parts() const { return {parts, part_count}; }
};

// Threads: immutable. Source: Redis 7.0's command table; the words are ours.
struct CommandSpec {
  CommandId id = CommandId::kPing;
  std::string_view full_name = {};  // lower case: "get", "client|setname"
  CommandKind kind = CommandKind::kServer;
  std::string_view group = {};  // "string", "connection", ...
  int arity = 0;                // with the name; negative: at least that many
  CommandFlag flags = CommandFlag::kNone;
  int first_key = 0;  // index into the arguments; 0: none
  int last_key = 0;   // negative: counted from the end
  int key_step = 0;
  KeyAccess key_access = KeyAccess::kNone;
  AclCategory acl_categories = AclCategory::kNone;
  std::string_view since = {};
  std::string_view complexity = {};
  std::string_view summary = {};
  std::string_view deprecated_since = {};  // empty: it is not
  std::string_view replaced_by = {};
  std::span<const std::string_view> tips = {};
  std::span<const ArgumentSpec> arguments = {};
  const CommandSpec* subcommands = nullptr;
  std::size_t subcommand_count = 0;

  std::span<const CommandSpec> Subcommands() const { return {subcommands, subcommand_count}; }
  // "setname" of "client|setname".
  std::string_view Name() const { return full_name.substr(full_name.find('|') + 1); }
};

}  // namespace seshat
