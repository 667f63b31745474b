// What can be said against a command without looking at any key: run on the node that the client
// is connected to, so that hopeless commands never enter the log, and once more when applied.
#pragma once

#include <optional>

#include "seshat/commands/command_spec.h"
#include "seshat/commands/replicated_limits.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// The error reply that the command would get, or nothing. Sizes of keys and values, syntax of
// options, numbers. Arity is ResolveCommand's.
// Pre: arguments has the arity of `spec`.
std::optional<Reply> ValidateCommand(const CommandSpec& spec, Arguments arguments,
                                     const ReplicatedLimits& limits);

}  // namespace seshat
