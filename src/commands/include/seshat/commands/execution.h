// Execution of writes on every replica: the same entry gives the same reply and the same bytes
// everywhere. No clock, no disk but the keyspace's, no network, no configuration.
#pragma once

#include <span>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/keyspace.h"
#include "seshat/commands/replicated_limits.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Runs one write as one revision. What validation refuses is refused here with the same words, so
// a command that another node let through cannot do harm.
// Pre:    spec.kind is kWrite; arguments[0] names it; entry_time comes from BeginEntry.
// Errors: those of Keyspace::Find, after which the node must stop. A wrong type, a bad number or
//         an overflow is an error *reply*.
Result<Reply> ExecuteWrite(const CommandSpec& spec, Arguments arguments, Keyspace& keyspace,
                           UnixMillis entry_time, const ReplicatedLimits& limits);

// Runs one expiry event as one revision: removes each key that still has this expiry and this
// revision. Replies with the number removed.
// Errors: those of Keyspace::Find.
Result<Reply> ExecuteExpire(std::span<const ExpiringKey> keys, Keyspace& keyspace,
                            UnixMillis entry_time);

// Decodes and runs one command of a log entry. `scratch` saves allocations between commands.
// Errors: those above; those of DecodeDataCommand; kFailedPrecondition for a command that this
//         version does not know, which only a newer leader can have proposed: the node must stop.
Result<Reply> ApplyDataCommand(std::string_view bytes, Keyspace& keyspace, UnixMillis entry_time,
                               const ReplicatedLimits& limits, DataCommand& scratch);

}  // namespace seshat
