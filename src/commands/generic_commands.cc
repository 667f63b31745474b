// Commands on keys of any type: rows of the command table, ascending by name.
// Source: Redis 7.0.15's command table (arity, flags, keys, arguments); the words are ours.
#include <iterator>

#include "command_groups.h"

namespace seshat {
namespace {

constexpr std::string_view kDelTips[] = {"request_policy:multi_shard", "response_policy:agg_sum"};

constexpr ArgumentSpec kDelArguments[] = {
    {.name = "key", .type = ArgumentType::kKey, .multiple = true},
};

constexpr ArgumentSpec kExistsArguments[] = {
    {.name = "key", .type = ArgumentType::kKey, .multiple = true},
};

constexpr ArgumentSpec kExpireConditionParts[] = {
    {.name = "nx", .type = ArgumentType::kPureToken, .token = "NX"},
    {.name = "xx", .type = ArgumentType::kPureToken, .token = "XX"},
    {.name = "gt", .type = ArgumentType::kPureToken, .token = "GT"},
    {.name = "lt", .type = ArgumentType::kPureToken, .token = "LT"},
};

constexpr ArgumentSpec kExpireArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "seconds", .type = ArgumentType::kInteger},
    {.name = "condition",
     .type = ArgumentType::kOneOf,
     .since = "7.0.0",
     .optional = true,
     .parts = kExpireConditionParts,
     .part_count = std::size(kExpireConditionParts)},
};

constexpr ArgumentSpec kPersistArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr ArgumentSpec kPExpireConditionParts[] = {
    {.name = "nx", .type = ArgumentType::kPureToken, .token = "NX"},
    {.name = "xx", .type = ArgumentType::kPureToken, .token = "XX"},
    {.name = "gt", .type = ArgumentType::kPureToken, .token = "GT"},
    {.name = "lt", .type = ArgumentType::kPureToken, .token = "LT"},
};

constexpr ArgumentSpec kPExpireArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
    {.name = "milliseconds", .type = ArgumentType::kInteger},
    {.name = "condition",
     .type = ArgumentType::kOneOf,
     .since = "7.0.0",
     .optional = true,
     .parts = kPExpireConditionParts,
     .part_count = std::size(kPExpireConditionParts)},
};

constexpr std::string_view kVaries[] = {"nondeterministic_output"};

constexpr std::string_view kWaitTips[] = {"request_policy:all_shards", "response_policy:agg_min"};

constexpr ArgumentSpec kWaitArguments[] = {
    {.name = "numreplicas", .type = ArgumentType::kInteger},
    {.name = "timeout", .type = ArgumentType::kInteger},
};

constexpr ArgumentSpec kPTtlArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr ArgumentSpec kTtlArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr ArgumentSpec kTypeArguments[] = {
    {.name = "key", .type = ArgumentType::kKey},
};

constexpr CommandSpec kCommands[] = {
    {
        .id = CommandId::kDel,
        .full_name = "del",
        .kind = CommandKind::kWrite,
        .group = "generic",
        .arity = -2,
        .flags = CommandFlag::kWrite,
        .first_key = 1,
        .last_key = -1,
        .key_step = 1,
        .key_access = KeyAccess::kRm | KeyAccess::kDelete,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kWrite | AclCategory::kSlow,
        .since = "1.0.0",
        .complexity = "O(N), N the number of keys",
        .summary = "Removes keys",
        .tips = kDelTips,
        .arguments = kDelArguments,
    },
    {
        .id = CommandId::kExists,
        .full_name = "exists",
        .kind = CommandKind::kRead,
        .group = "generic",
        .arity = -2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = -1,
        .key_step = 1,
        .key_access = KeyAccess::kRo,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kRead | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(N), N the number of keys",
        .summary = "Counts how many of the keys exist",
        .tips = kDelTips,
        .arguments = kExistsArguments,
    },
    {
        .id = CommandId::kExpire,
        .full_name = "expire",
        .kind = CommandKind::kWrite,
        .group = "generic",
        .arity = -3,
        .flags = CommandFlag::kWrite | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kWrite | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Lets a key live for some seconds more",
        .arguments = kExpireArguments,
    },
    {
        .id = CommandId::kPersist,
        .full_name = "persist",
        .kind = CommandKind::kWrite,
        .group = "generic",
        .arity = 2,
        .flags = CommandFlag::kWrite | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kWrite | AclCategory::kFast,
        .since = "2.2.0",
        .complexity = "O(1)",
        .summary = "Removes a key's expiry",
        .arguments = kPersistArguments,
    },
    {
        .id = CommandId::kPExpire,
        .full_name = "pexpire",
        .kind = CommandKind::kWrite,
        .group = "generic",
        .arity = -3,
        .flags = CommandFlag::kWrite | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRw | KeyAccess::kUpdate,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kWrite | AclCategory::kFast,
        .since = "2.6.0",
        .complexity = "O(1)",
        .summary = "Lets a key live for some milliseconds more",
        .arguments = kPExpireArguments,
    },
    {
        .id = CommandId::kPTtl,
        .full_name = "pttl",
        .kind = CommandKind::kRead,
        .group = "generic",
        .arity = 2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRo | KeyAccess::kAccess,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kRead | AclCategory::kFast,
        .since = "2.6.0",
        .complexity = "O(1)",
        .summary = "Shows how many milliseconds a key has left",
        .tips = kVaries,
        .arguments = kPTtlArguments,
    },
    {
        .id = CommandId::kTtl,
        .full_name = "ttl",
        .kind = CommandKind::kRead,
        .group = "generic",
        .arity = 2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRo | KeyAccess::kAccess,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kRead | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Shows how many seconds a key has left",
        .tips = kVaries,
        .arguments = kTtlArguments,
    },
    {
        .id = CommandId::kType,
        .full_name = "type",
        .kind = CommandKind::kRead,
        .group = "generic",
        .arity = 2,
        .flags = CommandFlag::kReadOnly | CommandFlag::kFast,
        .first_key = 1,
        .last_key = 1,
        .key_step = 1,
        .key_access = KeyAccess::kRo,
        .acl_categories = AclCategory::kKeyspace | AclCategory::kRead | AclCategory::kFast,
        .since = "1.0.0",
        .complexity = "O(1)",
        .summary = "Shows the type of a key's value",
        .arguments = kTypeArguments,
    },
    {
        .id = CommandId::kWait,
        .full_name = "wait",
        .kind = CommandKind::kLeader,
        .group = "generic",
        .arity = 3,
        .flags = CommandFlag::kNoScript,
        .acl_categories = AclCategory::kSlow | AclCategory::kConnection,
        .since = "3.0.0",
        .complexity = "O(1)",
        .summary = "Waits until more nodes than a majority have what was written before",
        .tips = kWaitTips,
        .arguments = kWaitArguments,
    },
};

}  // namespace

std::span<const CommandSpec> GenericCommands() {
  return kCommands;
}

}  // namespace seshat
