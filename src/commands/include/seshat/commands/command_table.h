// The command table: every command that works, and nothing else.
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// All top-level commands, ascending by name. Their subcommands hang below them.
std::span<const CommandSpec* const> AllCommands();

// A top-level command by its name in any letter case, or null.
const CommandSpec* FindCommand(std::string_view name);

// A command by its full name, "get" or "client|setname", in any letter case, or null.
const CommandSpec* FindCommandByFullName(std::string_view full_name);

// The command that `arguments` call, its subcommand if it has some, when the number of arguments
// fits; else Redis's error reply: unknown command, unknown subcommand, or wrong arity.
std::expected<const CommandSpec*, Reply> ResolveCommand(Arguments arguments);

// Whether `count` arguments, name included, fit.
bool FitsArity(const CommandSpec& spec, std::size_t count);

// The arguments that are keys, in order.
// Lifetime: that of the arguments' array.
class CommandKeys {
 public:
  CommandKeys() = default;
  CommandKeys(Arguments arguments, std::size_t first, std::size_t last, std::size_t step)
      : arguments_(arguments), first_(first), step_(step), size_((last - first) / step + 1) {}

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Pre: i < size().
  std::string_view operator[](std::size_t i) const { return arguments_[first_ + i * step_]; }

 private:
  Arguments arguments_;
  std::size_t first_ = 0;
  std::size_t step_ = 1;
  std::size_t size_ = 0;
};

// Empty for a command without keys, and when there are too few arguments.
CommandKeys KeysOf(const CommandSpec& spec, Arguments arguments);

}  // namespace seshat
