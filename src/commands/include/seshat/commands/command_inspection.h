// The replies of COMMAND and its subcommands: the table shown to clients.
#pragma once

#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Pre: spec.id is kCommand or one of its subcommands; arguments has its arity.
Reply ExecuteCommandInspection(const CommandSpec& spec, Arguments arguments);

}  // namespace seshat
