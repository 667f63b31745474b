// Commands about connections: rows of the command table, ascending by name.
// Source: Redis 7.0.15's command table (arity, flags, keys, arguments); the words are ours.
#include <iterator>

#include "command_groups.h"

namespace seshat {
namespace {

constexpr ArgumentSpec kAuthArguments[] = {
    {.name = "username", .since = "6.0.0", .optional = true},
    {.name = "password"},
};

constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr ArgumentSpec kClientListNormalMasterReplicaPubsubParts[] = {
    {.name = "normal", .type = ArgumentType::kPureToken, .token = "NORMAL"},
    {.name = "master", .type = ArgumentType::kPureToken, .token = "MASTER"},
    {.name = "replica", .type = ArgumentType::kPureToken, .token = "REPLICA"},
    {.name = "pubsub", .type = ArgumentType::kPureToken, .token = "PUBSUB"},
};

constexpr ArgumentSpec kClientListIdParts[] = {
    {.name = "client-id", .type = ArgumentType::kInteger, .multiple = true},
};

constexpr ArgumentSpec kClientListArguments[] = {
    {.name = "normal_master_replica_pubsub",
     .type = ArgumentType::kOneOf,
     .token = "TYPE",
     .since = "5.0.0",
     .optional = true,
     .parts = kClientListNormalMasterReplicaPubsubParts,
     .part_count = std::size(kClientListNormalMasterReplicaPubsubParts)},
    {.name = "id",
     .type = ArgumentType::kBlock,
     .token = "ID",
     .since = "6.2.0",
     .optional = true,
     .parts = kClientListIdParts,
     .part_count = std::size(kClientListIdParts)},
};

constexpr std::string_view kClientSetInfoTips[] = {"request_policy:all_nodes",
                                                   "response_policy:all_succeeded"};

constexpr ArgumentSpec kClientSetInfoAttrParts[] = {
    {.name = "libname", .token = "LIB-NAME"},
    {.name = "libver", .token = "LIB-VER"},
};

constexpr ArgumentSpec kClientSetInfoArguments[] = {
    {.name = "attr",
     .type = ArgumentType::kOneOf,
     .parts = kClientSetInfoAttrParts,
     .part_count = std::size(kClientSetInfoAttrParts)},
};

constexpr ArgumentSpec kClientSetNameArguments[] = {
    {.name = "connection-name"},
};

constexpr CommandSpec kClientSubcommands[] = {
    {
        .id = CommandId::kClientGetName,
        .full_name = "client|getname",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 2,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "2.6.9",
        .complexity = "O(1)",
        .summary = "Shows the name of this connection",
    },
    {
        .id = CommandId::kClientId,
        .full_name = "client|id",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 2,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "5.0.0",
        .complexity = "O(1)",
        .summary = "Shows the number of this connection",
    },
    {
        .id = CommandId::kClientInfo,
        .full_name = "client|info",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 2,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "6.2.0",
        .complexity = "O(1)",
        .summary = "Describes this connection",
        .tips = kVaries,
    },
    {
        .id = CommandId::kClientList,
        .full_name = "client|list",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = -2,
        .flags = CommandFlag::kAdmin | CommandFlag::kNoScript | CommandFlag::kLoading |
                 CommandFlag::kStale,
        .acl_categories = AclCategory::kAdmin | AclCategory::kSlow | AclCategory::kDangerous |
                          AclCategory::kConnection,
        .since = "2.4.0",
        .complexity = "O(N), N the number of connections",
        .summary = "Describes the connections of this node",
        .tips = kVaries,
        .arguments = kClientListArguments,
    },
    {
        .id = CommandId::kClientSetInfo,
        .full_name = "client|setinfo",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 4,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "7.2.0",
        .complexity = "O(1)",
        .summary = "Records the client library of this connection",
        .tips = kClientSetInfoTips,
        .arguments = kClientSetInfoArguments,
    },
    {
        .id = CommandId::kClientSetName,
        .full_name = "client|setname",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 3,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "2.6.9",
        .complexity = "O(1)",
        .summary = "Names this connection",
        .arguments = kClientSetNameArguments,
    },
};

constexpr ArgumentSpec kEchoArguments[] = {
    {.name = "message"},
};

constexpr ArgumentSpec kHelloArgumentsUsernamePasswordParts[] = {
    {.name = "username"},
    {.name = "password"},
};

constexpr ArgumentSpec kHelloArgumentsParts[] = {
    {.name = "protover", .type = ArgumentType::kInteger},
    {.name = "username_password",
     .type = ArgumentType::kBlock,
     .token = "AUTH",
     .optional = true,
     .parts = kHelloArgumentsUsernamePasswordParts,
     .part_count = std::size(kHelloArgumentsUsernamePasswordParts)},
    {.name = "clientname", .token = "SETNAME", .optional = true},
};

constexpr ArgumentSpec kHelloArguments[] = {
    {.name = "arguments",
     .type = ArgumentType::kBlock,
     .optional = true,
     .parts = kHelloArgumentsParts,
     .part_count = std::size(kHelloArgumentsParts)},
};

constexpr std::string_view kPingTips[] = {"request_policy:all_shards",
                                          "response_policy:all_succeeded"};

constexpr ArgumentSpec kPingArguments[] = {
    {.name = "message", .optional = true},
};

constexpr ArgumentSpec kSelectArguments[] = {
    {.name = "index", .type = ArgumentType::kInteger},
};

constexpr CommandSpec kCommands[] = {
    {
        .id = CommandId::kAuth,
        .full_name = "auth",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = -2,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale |
                 CommandFlag::kFast | CommandFlag::kNoAuth | CommandFlag::kAllowBusy,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Proves who the client is, with the server's password",
        .arguments = kAuthArguments,
    },
    {
        .id = CommandId::kClient,
        .full_name = "client",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = -2,
        .acl_categories = AclCategory::kSlow,
        .since = "2.4.0",
        .complexity = "Depends on the subcommand",
        .summary = "Commands about client connections",
        .subcommands = kClientSubcommands,
        .subcommand_count = std::size(kClientSubcommands),
    },
    {
        .id = CommandId::kEcho,
        .full_name = "echo",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 2,
        .flags = CommandFlag::kLoading | CommandFlag::kStale | CommandFlag::kFast,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Sends the message back",
        .arguments = kEchoArguments,
    },
    {
        .id = CommandId::kHello,
        .full_name = "hello",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = -1,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale |
                 CommandFlag::kFast | CommandFlag::kNoAuth | CommandFlag::kAllowBusy,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "6.0.0",
        .complexity = "O(1)",
        .summary = "Chooses the protocol version, and may authenticate and name the connection",
        .arguments = kHelloArguments,
    },
    {
        .id = CommandId::kPing,
        .full_name = "ping",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = -1,
        .flags = CommandFlag::kFast,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Answers PONG, or the message",
        .tips = kPingTips,
        .arguments = kPingArguments,
    },
    {
        .id = CommandId::kQuit,
        .full_name = "quit",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = -1,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale |
                 CommandFlag::kFast | CommandFlag::kNoAuth | CommandFlag::kAllowBusy,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Answers OK and closes the connection",
    },
    {
        .id = CommandId::kReset,
        .full_name = "reset",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 1,
        .flags = CommandFlag::kNoScript | CommandFlag::kLoading | CommandFlag::kStale |
                 CommandFlag::kFast | CommandFlag::kNoAuth | CommandFlag::kAllowBusy,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "6.2.0",
        .complexity = "O(1)",
        .summary = "Puts the connection back to how it was opened",
    },
    {
        .id = CommandId::kSelect,
        .full_name = "select",
        .kind = CommandKind::kConnection,
        .group = "connection",
        .arity = 2,
        .flags = CommandFlag::kLoading | CommandFlag::kStale | CommandFlag::kFast,
        .acl_categories = AclCategory::kFast | AclCategory::kConnection,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Chooses the database; there is only 0",
        .arguments = kSelectArguments,
    },
};

}  // namespace

std::span<const CommandSpec> ConnectionCommands() {
  return kCommands;
}

}  // namespace seshat
