// The parts of the command table, one file each. AllCommands() in command_table.cc joins them.
#pragma once

#include <span>

#include "seshat/commands/command_spec.h"

namespace seshat {

std::span<const CommandSpec> ClusterCommands();
std::span<const CommandSpec> ConnectionCommands();
std::span<const CommandSpec> GenericCommands();
std::span<const CommandSpec> ServerCommands();
std::span<const CommandSpec> StringCommands();

}  // namespace seshat
