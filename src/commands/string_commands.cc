// Commands on strings: rows of the command table, ascending by name.
// Source: Redis 7.0.15's command table (arity, flags, keys, arguments); the words are ours.
#include <iterator>

#include "command_groups.h"

namespace seshat {
namespace {

constexpr ArgumentSpec kAppendArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "value"},
};

constexpr ArgumentSpec kDecrArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr ArgumentSpec kDecrByArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "decrement", .type = ArgumentType::kInteger},
};

constexpr ArgumentSpec kGetArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr ArgumentSpec kIncrArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr ArgumentSpec kIncrByArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "increment", .type = ArgumentType::kInteger},
};

constexpr std::string_view kMGetTips[] = {"request_policy:multi_shard"};

constexpr ArgumentSpec kMGetArguments[] = {
    {.name = "key", .type = ArgumentType::kKey, .multiple = true},
};

constexpr std::string_view kMSetTips[] = {"request_policy:multi_shard",
                                          "response_policy:all_succeeded"};

constexpr ArgumentSpec kMSetKeyValueParts[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "value"},
};

constexpr ArgumentSpec kMSetArguments[] = {
    {.name = "key_value",
     .type = ArgumentType::kBlock,
     .multiple = true,
     .parts = kMSetKeyValueParts,
     .part_count = std::size(kMSetKeyValueParts)},
};

constexpr ArgumentSpec kSetConditionParts[] = {
    {.name = "nx", .type = ArgumentType::kPureToken, .token = "NX"},
    {.name = "xx", .type = ArgumentType::kPureToken, .token = "XX"},
};

constexpr ArgumentSpec kSetExpirationParts[] = {
    {.name = "seconds", .type = ArgumentType::kInteger, .token = "EX", .since = "2.6.12"},
    {.name = "milliseconds", .type = ArgumentType::kInteger, .token = "PX", .since = "2.6.12"},
    {.name = "unix-time-seconds",
     .type = ArgumentType::kUnixTime,
     .token = "EXAT",
     .since = "6.2.0"},
    {.name = "unix-time-milliseconds",
     .type = ArgumentType::kUnixTime,
     .token = "PXAT",
     .since = "6.2.0"},
    {.name = "keepttl", .type = ArgumentType::kPureToken, .token = "KEEPTTL", .since = "6.0.0"},
};

constexpr ArgumentSpec kSetArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "value"},
    {.name = "condition",
     .type = ArgumentType::kOneOf,
     .since = "2.6.12",
     .optional = true,
     .parts = kSetConditionParts,
     .part_count = std::size(kSetConditionParts)},
    {.name = "get",
     .type = ArgumentType::kPureToken,
     .token = "GET",
     .since = "6.2.0",
     .optional = true},
    {.name = "expiration",
     .type = ArgumentType::kOneOf,
     .optional = true,
     .parts = kSetExpirationParts,
     .part_count = std::size(kSetExpirationParts)},
};

constexpr ArgumentSpec kStrLenArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr CommandSpec kCommands[] = {
    {
        .id = CommandId::kAppend,
        .full_name = "append",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = 3,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kInsert,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kFast,
        .since = "2.0.0",
        .complexity = "O(N), N the length of the resulting string",
        .summary = "Adds to the end of a string, creating it if need be",
        .arguments = kAppendArguments,
    },
    {
        .id = CommandId::kDecr,
        .full_name = "decr",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = 2,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kAccess | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Takes one from a number",
        .arguments = kDecrArguments,
    },
    {
        .id = CommandId::kDecrBy,
        .full_name = "decrby",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = 3,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kAccess | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Takes an amount from a number",
        .arguments = kDecrByArguments,
    },
    {
        .id = CommandId::kGet,
        .full_name = "get",
        .kind = CommandKind::kRead,
        .group = "string",
        .arity = 2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRo | KeyAccess::kAccess,
        .acl_categories = AclCategory::kRead | AclCategory::kString | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Shows the string at a key",
        .arguments = kGetArguments,
    },
    {
        .id = CommandId::kIncr,
        .full_name = "incr",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = 2,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kAccess | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Adds one to a number",
        .arguments = kIncrArguments,
    },
    {
        .id = CommandId::kIncrBy,
        .full_name = "incrby",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = 3,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kAccess | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Adds an amount to a number",
        .arguments = kIncrByArguments,
    },
    {
        .id = CommandId::kMGet,
        .full_name = "mget",
        .kind = CommandKind::kRead,
        .group = "string",
        .arity = -2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = -1,
        .key_step = 1,
        .key_access = KeyAccess::kRo | KeyAccess::kAccess,
        .acl_categories = AclCategory::kRead | AclCategory::kString | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(N), N the number of keys",
        .summary = "Shows the strings at several keys, all of one instant",
        .tips = kMGetTips,
        .arguments = kMGetArguments,
    },
    {
        .id = CommandId::kMSet,
        .full_name = "mset",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = -3,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom,
        .first_key = 1,
        .last_key = -1,
        .key_step = 2,
        .key_access = KeyAccess::kOw | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kSlow,
        .since = "1.0.1",
        .complexity = "O(N), N the number of keys",
        .summary = "Sets several keys at once",
        .tips = kMSetTips,
        .arguments = kMSetArguments,
    },
    {
        .id = CommandId::kSet,
        .full_name = "set",
        .kind = CommandKind::kWrite,
        .group = "string",
        .arity = -3,
        .flags = CommandFlag::kWrite | CommandFlag::kDenyOom,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access =
            KeyAccess::kRw | KeyAccess::kAccess | KeyAccess::kUpdate | KeyAccess::kVariableFlags,
        .acl_categories = AclCategory::kWrite | AclCategory::kString | AclCategory::kSlow,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Sets a key to a string",
        .arguments = kSetArguments,
    },
    {
        .id = CommandId::kStrLen,
        .full_name = "strlen",
        .kind = CommandKind::kRead,
        .group = "string",
        .arity = 2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRo,
        .acl_categories = AclCategory::kRead | AclCategory::kString | AclCategory::kFast,
        .since = "2.2.0",
        .complexity = "O(1)",
        .summary = "Shows the length of a string",
        .arguments = kStrLenArguments,
    },
};

}  // namespace

std::span<const CommandSpec> StringCommands() {
  return kCommands;
}

}  // namespace seshat
