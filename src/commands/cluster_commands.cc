// Commands about the cluster: rows of the command table, ascending by name.
// Source: Redis 7.0.15's command table (arity, flags, keys, arguments); the words are ours.
#include <iterator>

#include "command_groups.h"

namespace seshat {
namespace {

constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr ArgumentSpec kClusterKeySlotArguments[] = {
    {.name = "key"},
};

constexpr ArgumentSpec kClusterFailoverOptionsParts[] = {
    {.name = "force", .type = ArgumentType::kPureToken, .token = "FORCE"},
    {.name = "takeover", .type = ArgumentType::kPureToken, .token = "TAKEOVER"},
};

constexpr ArgumentSpec kClusterFailoverArguments[] = {
    {.name = "options",
     .type = ArgumentType::kOneOf,
     .optional = true,
     .parts = kClusterFailoverOptionsParts,
     .part_count = std::size(kClusterFailoverOptionsParts)},
};

constexpr ArgumentSpec kClusterReplicasArguments[] = {
    {.name = "node-id"},
};

constexpr CommandSpec kClusterSubcommands[] = {
    {
        .id = CommandId::kClusterFailover,
        .full_name = "cluster|failover",
        .kind = CommandKind::kLeader,
        .group = "cluster",
        .arity = -2,
        .flags = CommandFlag::kAdmin | CommandFlag::kStale | CommandFlag::kNoAsyncLoading,
        .acl_categories = AclCategory::kAdmin | AclCategory::kSlow | AclCategory::kDangerous,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Has the leader hand its shard over to this node",
        .arguments = kClusterFailoverArguments,
    },
    {
        .id = CommandId::kClusterInfo,
        .full_name = "cluster|info",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 2,
        .flags = CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Describes the state of the cluster",
        .tips = kVaries,
    },
    {
        .id = CommandId::kClusterKeySlot,
        .full_name = "cluster|keyslot",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 3,
        .flags = CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow,
        .since = "3.0.0",
        .complexity = "O(N), N the length of the key",
        .summary = "Shows the slot of a key",
        .arguments = kClusterKeySlotArguments,
    },
    {
        .id = CommandId::kClusterMyId,
        .full_name = "cluster|myid",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 2,
        .flags = CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Shows the id of this node",
    },
    {
        .id = CommandId::kClusterNodes,
        .full_name = "cluster|nodes",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 2,
        .flags = CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow,
        .since = "3.0.0",
        .complexity = "O(N), N the number of nodes",
        .summary = "Lists the nodes of the cluster",
        .tips = kVaries,
    },
    {
        .id = CommandId::kClusterReplicas,
        .full_name = "cluster|replicas",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 3,
        .flags = CommandFlag::kAdmin | CommandFlag::kStale,
        .acl_categories = AclCategory::kAdmin | AclCategory::kSlow | AclCategory::kDangerous,
        .since = "5.0.0",
        .complexity = "O(N), N the number of nodes",
        .summary = "Lists the nodes that follow a leader",
        .tips = kVaries,
        .arguments = kClusterReplicasArguments,
    },
    {
        .id = CommandId::kClusterShards,
        .full_name = "cluster|shards",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 2,
        .flags = CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow,
        .since = "7.0.0",
        .complexity = "O(N), N the number of nodes",
        .summary = "Lists the shards with their slots and nodes",
        .tips = kVaries,
    },
    {
        .id = CommandId::kClusterSlaves,
        .full_name = "cluster|slaves",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 3,
        .flags = CommandFlag::kAdmin | CommandFlag::kStale,
        .acl_categories = AclCategory::kAdmin | AclCategory::kSlow | AclCategory::kDangerous,
        .since = "3.0.0",
        .complexity = "O(N), N the number of nodes",
        .summary = "Lists the nodes that follow a leader",
        .deprecated_since = "5.0.0",
        .replaced_by = "`CLUSTER REPLICAS`",
        .tips = kVaries,
        .arguments = kClusterReplicasArguments,
    },
    {
        .id = CommandId::kClusterSlots,
        .full_name = "cluster|slots",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = 2,
        .flags = CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow,
        .since = "3.0.0",
        .complexity = "O(N), N the number of nodes",
        .summary = "Lists the slot ranges with their nodes",
        .deprecated_since = "7.0.0",
        .replaced_by = "`CLUSTER SHARDS`",
        .tips = kVaries,
    },
};

constexpr CommandSpec kCommands[] = {
    {
        .id = CommandId::kAsking,
        .full_name = "asking",
        .kind = CommandKind::kConnection,
        .group = "cluster",
        .arity = 1,
        .flags = CommandFlag::kFast,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Accepted for cluster clients; has no effect",
    },
    {
        .id = CommandId::kCluster,
        .full_name = "cluster",
        .kind = CommandKind::kCluster,
        .group = "cluster",
        .arity = -2,
        .acl_categories = AclCategory::kSlow,
        .since = "3.0.0",
        .complexity = "Depends on the subcommand",
        .summary = "Commands about the cluster",
        .subcommands = kClusterSubcommands,
        .subcommand_count = std::size(kClusterSubcommands),
    },
    {
        .id = CommandId::kReadOnly,
        .full_name = "readonly",
        .kind = CommandKind::kConnection,
        .group = "cluster",
        .arity = 1,
        .flags = CommandFlag::kLoading | CommandFlag::kStale | CommandFlag::kFast,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Accepted from cluster clients; changes nothing",
    },
    {
        .id = CommandId::kReadWrite,
        .full_name = "readwrite",
        .kind = CommandKind::kConnection,
        .group = "cluster",
        .arity = 1,
        .flags = CommandFlag::kLoading | CommandFlag::kStale | CommandFlag::kFast,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Accepted from cluster clients; changes nothing",
    },
};

}  // namespace

std::span<const CommandSpec> ClusterCommands() {
  return kCommands;
}

}  // namespace seshat
