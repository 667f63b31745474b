#include "seshat/commands/validation.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <string_view>

#include "ascii_case.h"
#include "option_parsing.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/integer_text.h"
#include "size_limits.h"

namespace seshat {
namespace {

std::optional<Reply> CheckKeys(const CommandSpec& spec, Arguments arguments,
                               const ReplicatedLimits& limits) {
  const CommandKeys keys = KeysOf(spec, arguments);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].size() > limits.key_bytes_max) {
      return KeyTooLarge(keys[i].size(), limits.key_bytes_max);
    }
  }
  return std::nullopt;
}

std::optional<Reply> CheckValue(std::string_view value, const ReplicatedLimits& limits) {
  if (value.size() <= limits.value_bytes_max) return std::nullopt;
  return ValueTooLarge(value.size(), limits.value_bytes_max);
}

std::optional<Reply> CheckMSet(const CommandSpec& spec, Arguments arguments,
                               const ReplicatedLimits& limits) {
  if (arguments.size() % 2 == 0) return WrongArity(spec.full_name);
  for (std::size_t i = 2; i < arguments.size(); i += 2) {
    if (std::optional<Reply> error = CheckValue(arguments[i], limits)) return error;
  }
  return std::nullopt;
}

std::optional<Reply> CheckIncrement(const CommandSpec& spec, std::string_view text) {
  const std::optional<std::int64_t> increment = ParseInteger(text);
  if (!increment.has_value()) return NotAnInteger();
  if (spec.id == CommandId::kDecrBy && *increment == std::numeric_limits<std::int64_t>::min()) {
    return Reply::Error("ERR decrement would overflow");
  }
  return std::nullopt;
}

std::optional<Reply> CheckFlush(Arguments arguments) {
  if (arguments.size() == 1) return std::nullopt;
  if (arguments.size() == 2 &&
      (EqualsIgnoringCase(arguments[1], "sync") || EqualsIgnoringCase(arguments[1], "async"))) {
    return std::nullopt;
  }
  return SyntaxError();
}

std::optional<Reply> CheckBgSave(Arguments arguments) {
  if (arguments.size() == 1) return std::nullopt;
  if (arguments.size() == 2 && EqualsIgnoringCase(arguments[1], "schedule")) return std::nullopt;
  return SyntaxError();
}

std::optional<Reply> CheckWait(Arguments arguments) {
  if (!ParseInteger(arguments[1]).has_value()) return NotAnInteger();
  const std::optional<std::int64_t> timeout = ParseInteger(arguments[2]);
  if (!timeout.has_value()) {
    return Reply::Error("ERR timeout is not an integer or out of range");
  }
  if (*timeout < 0) return Reply::Error("ERR timeout is negative");
  return std::nullopt;
}

std::optional<Reply> CheckFailover(Arguments arguments) {
  if (arguments.size() > 3) {
    return ErrorQuoting(
        fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try CLUSTER "
                    "HELP.",
                    QuotableText(arguments[1])));
  }
  if (arguments.size() == 2 || EqualsIgnoringCase(arguments[2], "force") ||
      EqualsIgnoringCase(arguments[2], "takeover")) {
    return std::nullopt;
  }
  return SyntaxError();
}

template <typename Options>
std::optional<Reply> ErrorOf(std::expected<Options, Reply> parsed) {
  if (parsed.has_value()) return std::nullopt;
  return std::move(parsed).error();
}

std::optional<Reply> CheckArguments(const CommandSpec& spec, Arguments arguments,
                                    const ReplicatedLimits& limits) {
  switch (spec.id) {
    case CommandId::kSet:
      if (std::optional<Reply> error = CheckValue(arguments[2], limits)) return error;
      return ErrorOf(ParseSetOptions(arguments));
    case CommandId::kMSet:
      return CheckMSet(spec, arguments, limits);
    case CommandId::kAppend:
      return CheckValue(arguments[2], limits);
    case CommandId::kIncrBy:
    case CommandId::kDecrBy:
      return CheckIncrement(spec, arguments[2]);
    case CommandId::kExpire:
    case CommandId::kPExpire:
      return ErrorOf(ParseExpireOptions(spec, arguments));
    case CommandId::kFlushAll:
    case CommandId::kFlushDb:
      return CheckFlush(arguments);
    case CommandId::kBgSave:
      return CheckBgSave(arguments);
    case CommandId::kWait:
      return CheckWait(arguments);
    case CommandId::kClusterFailover:
      return CheckFailover(arguments);
    default:
      return std::nullopt;
  }
}

}  // namespace

Reply KeyTooLarge(std::uint64_t bytes, std::uint64_t bytes_max) {
  return Reply::Error(
      fmt::format("ERR key of {} bytes exceeds the limit of {} bytes", bytes, bytes_max));
}

Reply ValueTooLarge(std::uint64_t bytes, std::uint64_t bytes_max) {
  return Reply::Error(
      fmt::format("ERR value of {} bytes exceeds the limit of {} bytes", bytes, bytes_max));
}

std::optional<Reply> ValidateCommand(const CommandSpec& spec, Arguments arguments,
                                     const ReplicatedLimits& limits) {
  if (std::optional<Reply> error = CheckKeys(spec, arguments, limits)) return error;
  return CheckArguments(spec, arguments, limits);
}

}  // namespace seshat
