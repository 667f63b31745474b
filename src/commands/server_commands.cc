// Commands about the server: rows of the command table, ascending by name.
// Source: Redis 7.0.15's command table (arity, flags, keys, arguments); the words are ours.
#include <iterator>

#include "command_groups.h"

namespace seshat {
namespace {

constexpr ArgumentSpec kBgSaveArguments[] = {
    {.name = "schedule",
     .type = ArgumentType::kPureToken,
     .token = "SCHEDULE",
     .since = "3.2.2",
     .optional = true},
};

constexpr std::string_view kVariesInOrder[] = {"nondeterministic_output_order"};

constexpr ArgumentSpec kCommandDocsArguments[] = {
    {.name = "command-name", .optional = true, .multiple = true},
};

constexpr ArgumentSpec kCommandInfoArguments[] = {
    {.name = "command-name", .optional = true, .multiple = true},
};

constexpr ArgumentSpec kCommandListFilterbyParts[] = {
    {.name = "module-name", .token = "MODULE"},
    {.name = "category", .token = "ACLCAT"},
    {.name = "pattern", .type = ArgumentType::kPattern, .token = "PATTERN"},
};

constexpr ArgumentSpec kCommandListArguments[] = {
    {.name = "filterby",
     .type = ArgumentType::kOneOf,
     .token = "FILTERBY",
     .optional = true,
     .parts = kCommandListFilterbyParts,
     .part_count = std::size(kCommandListFilterbyParts)},
};

constexpr CommandSpec kCommandSubcommands[] = {
    {
        .id = CommandId::kCommandCount,
        .full_name = "command|count",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = 2,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "2.8.13",
        .complexity = "O(1)",
        .summary = "Counts the commands",
    },
    {
        .id = CommandId::kCommandDocs,
        .full_name = "command|docs",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -2,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "7.0.0",
        .complexity = "O(N), N the number of commands named",
        .summary = "Documents commands",
        .tips = kVariesInOrder,
        .arguments = kCommandDocsArguments,
    },
    {
        .id = CommandId::kCommandGetKeys,
        .full_name = "command|getkeys",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -4,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "2.8.13",
        .complexity = "O(N), N the number of arguments",
        .summary = "Lists the arguments of a command that are keys",
    },
    {
        .id = CommandId::kCommandInfo,
        .full_name = "command|info",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -2,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "2.8.13",
        .complexity = "O(N), N the number of commands named",
        .summary = "Describes commands",
        .tips = kVariesInOrder,
        .arguments = kCommandInfoArguments,
    },
    {
        .id = CommandId::kCommandList,
        .full_name = "command|list",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -2,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "7.0.0",
        .complexity = "O(N), N the number of commands",
        .summary = "Lists the names of commands",
        .tips = kVariesInOrder,
        .arguments = kCommandListArguments,
    },
};

constexpr ArgumentSpec kConfigGetParameterParts[] = {
    {.name = "parameter"},
};

constexpr ArgumentSpec kConfigGetArguments[] = {
    {.name = "parameter",
     .type = ArgumentType::kBlock,
     .multiple = true,
     .parts = kConfigGetParameterParts,
     .part_count = std::size(kConfigGetParameterParts)},
};

constexpr CommandSpec kConfigSubcommands[] = {
    {
        .id = CommandId::kConfigGet,
        .full_name = "config|get",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -3,
        .flags = CommandFlag::kAdmin | CommandFlag::kNoScript | CommandFlag::kLoading |
                 CommandFlag::kStale,
        .acl_categories = AclCategory::kAdmin | AclCategory::kSlow | AclCategory::kDangerous,
        .since = "2.0.0",
        .complexity = "O(N), N the number of parameters",
        .summary = "Shows configuration parameters whose names match",
        .arguments = kConfigGetArguments,
    },
};

constexpr std::string_view kDbSizeTips[] = {"request_policy:all_shards", "response_policy:agg_sum"};

constexpr std::string_view kFlushAllTips[] = {"request_policy:all_shards",
                                              "response_policy:all_succeeded"};

constexpr ArgumentSpec kFlushAllAsyncParts[] = {
    {.name = "async", .type = ArgumentType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = ArgumentType::kPureToken, .token = "SYNC", .since = "6.2.0"},
};

constexpr ArgumentSpec kFlushAllArguments[] = {
    {.name = "async",
     .type = ArgumentType::kOneOf,
     .optional = true,
     .parts = kFlushAllAsyncParts,
     .part_count = std::size(kFlushAllAsyncParts)},
};

constexpr ArgumentSpec kFlushDbAsyncParts[] = {
    {.name = "async", .type = ArgumentType::kPureToken, .token = "ASYNC", .since = "4.0.0"},
    {.name = "sync", .type = ArgumentType::kPureToken, .token = "SYNC", .since = "6.2.0"},
};

constexpr ArgumentSpec kFlushDbArguments[] = {
    {.name = "async",
     .type = ArgumentType::kOneOf,
     .optional = true,
     .parts = kFlushDbAsyncParts,
     .part_count = std::size(kFlushDbAsyncParts)},
};

constexpr std::string_view kInfoTips[] = {"nondeterministic_output", "request_policy:all_shards",
                                          "response_policy:special"};

constexpr ArgumentSpec kInfoArguments[] = {
    {.name = "section", .optional = true, .multiple = true},
};

constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr CommandSpec kCommands[] = {
    {
        .id = CommandId::kBgSave,
        .full_name = "bgsave",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -1,
        .flags = CommandFlag::kAdmin | CommandFlag::kNoScript | CommandFlag::kNoAsyncLoading,
        .acl_categories = AclCategory::kAdmin | AclCategory::kSlow | AclCategory::kDangerous,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Begins to take a snapshot on this node",
        .arguments = kBgSaveArguments,
    },
    {
        .id = CommandId::kCommand,
        .full_name = "command",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -1,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "2.8.13",
        .complexity = "O(N), N the number of commands",
        .summary = "Describes all commands",
        .tips = kVariesInOrder,
        .subcommands = kCommandSubcommands,
        .subcommand_count = std::size(kCommandSubcommands),
    },
    {
        .id = CommandId::kConfig,
        .full_name = "config",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -2,
        .acl_categories = AclCategory::kSlow,
        .since = "2.0.0",
        .complexity = "Depends on the subcommand",
        .summary = "Commands about configuration",
        .subcommands = kConfigSubcommands,
        .subcommand_count = std::size(kConfigSubcommands),
    },
    {
        .id = CommandId::kDbSize,
        .full_name = "dbsize",
        .kind = CommandKind::kRead,
        .group = "server",
        .arity = 1,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kRead | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Counts the keys",
        .tips = kDbSizeTips,
    },
    {
        .id = CommandId::kFlushAll,
        .full_name = "flushall",
        .kind = CommandKind::kWrite,
        .group = "server",
        .arity = -1,
        .flags = CommandFlag::kWrite,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kWrite | AclCategory::kSlow |
                          AclCategory::kDangerous,
        .since = "1.0.0",
        .complexity = "O(1); space is reclaimed in the background",
        .summary = "Removes all keys",
        .tips = kFlushAllTips,
        .arguments = kFlushAllArguments,
    },
    {
        .id = CommandId::kFlushDb,
        .full_name = "flushdb",
        .kind = CommandKind::kWrite,
        .group = "server",
        .arity = -1,
        .flags = CommandFlag::kWrite,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kWrite | AclCategory::kSlow |
                          AclCategory::kDangerous,
        .since = "1.0.0",
        .complexity = "O(1); space is reclaimed in the background",
        .summary = "Removes all keys",
        .tips = kFlushAllTips,
        .arguments = kFlushDbArguments,
    },
    {
        .id = CommandId::kInfo,
        .full_name = "info",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = -1,
        .flags = CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kDangerous,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Shows the state of the node and of its groups",
        .tips = kInfoTips,
        .arguments = kInfoArguments,
    },
    {
        .id = CommandId::kLastSave,
        .full_name = "lastsave",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = 1,
        .flags = CommandFlag::kLoading | CommandFlag::kStale | CommandFlag::kFast,
        .acl_categories = AclCategory::kAdmin | AclCategory::kFast | AclCategory::kDangerous,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Shows when this node's last snapshot was kept",
        .tips = kVaries,
    },
    {
        .id = CommandId::kRole,
        .full_name = "role",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = 1,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale |
                 CommandFlag::kFast,
        .acl_categories = AclCategory::kAdmin | AclCategory::kFast | AclCategory::kDangerous,
        .since = "2.8.12",
        .complexity = "O(N), N the number of nodes",
        .summary = "Shows how far this node is, and on a leader its followers",
    },
    {
        .id = CommandId::kTime,
        .full_name = "time",
        .kind = CommandKind::kServer,
        .group = "server",
        .arity = 1,
        .flags = CommandFlag::kLoading | CommandFlag::kStale | CommandFlag::kFast,
        .acl_categories = AclCategory::kFast,
        .since = "2.6.0",
        .complexity = "O(1)",
        .summary = "Shows the server's time",
        .tips = kVaries,
    },
};

}  // namespace

std::span<const CommandSpec> ServerCommands() {
  return kCommands;
}

}  // namespace seshat
