#include "option_parsing.h"

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "ascii_case.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/integer_text.h"

namespace seshat {
namespace {

constexpr std::int64_t kInt64Max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kInt64Min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMillisPerSecond = 1000;

struct ExpiryOption {
  std::string_view name;
  RequestedExpiry::Base base = RequestedExpiry::Base::kEntryTime;
  std::int64_t unit_ms = 1;
};

constexpr ExpiryOption kExpiryOptions[] = {
    {.name = "ex", .base = RequestedExpiry::Base::kEntryTime, .unit_ms = kMillisPerSecond},
    {.name = "px", .base = RequestedExpiry::Base::kEntryTime, .unit_ms = 1},
    {.name = "exat", .base = RequestedExpiry::Base::kEpoch, .unit_ms = kMillisPerSecond},
    {.name = "pxat", .base = RequestedExpiry::Base::kEpoch, .unit_ms = 1},
};

const ExpiryOption* FindExpiryOption(std::string_view name) {
  for (const ExpiryOption& option : kExpiryOptions) {
    if (EqualsIgnoringCase(name, option.name)) return &option;
  }
  return nullptr;
}

std::optional<std::int64_t> ToMillis(std::int64_t amount, std::int64_t unit_ms) {
  if (amount > kInt64Max / unit_ms || amount < kInt64Min / unit_ms) return std::nullopt;
  return amount * unit_ms;
}

}  // namespace

std::optional<UnixMillis> RequestedExpiry::At(UnixMillis entry_time) const {
  if (base == Base::kEpoch) return UnixMillis{millis};
  if (millis > kInt64Max - entry_time.value) return std::nullopt;
  return UnixMillis{entry_time.value + millis};
}

std::expected<SetOptions, Reply> ParseSetOptions(Arguments arguments) {
  using Condition = SetOptions::Condition;
  SetOptions options;
  // An option may be repeated; two that contradict each other may not stand together.
  const ExpiryOption* unit = nullptr;
  std::string_view amount;
  for (std::size_t i = 3; i < arguments.size(); ++i) {
    const std::string_view option = arguments[i];
    if (EqualsIgnoringCase(option, "nx") && options.condition != Condition::kIfPresent) {
      options.condition = Condition::kIfAbsent;
    } else if (EqualsIgnoringCase(option, "xx") && options.condition != Condition::kIfAbsent) {
      options.condition = Condition::kIfPresent;
    } else if (EqualsIgnoringCase(option, "get")) {
      options.get = true;
    } else if (EqualsIgnoringCase(option, "keepttl") && unit == nullptr) {
      options.keep_ttl = true;
    } else if (const ExpiryOption* named = FindExpiryOption(option);
               named != nullptr && !options.keep_ttl && (unit == nullptr || unit == named) &&
               i + 1 < arguments.size()) {
      unit = named;
      amount = arguments[++i];
    } else {
      return std::unexpected(SyntaxError());
    }
  }
  if (unit == nullptr) return options;

  const std::optional<std::int64_t> number = ParseInteger(amount);
  if (!number.has_value()) return std::unexpected(NotAnInteger());
  const std::optional<std::int64_t> millis = ToMillis(*number, unit->unit_ms);
  if (*number <= 0 || !millis.has_value()) return std::unexpected(InvalidExpireTime("set"));
  options.expiry = RequestedExpiry{.base = unit->base, .millis = *millis};
  return options;
}

std::expected<ExpireOptions, Reply> ParseExpireOptions(const CommandSpec& spec,
                                                       Arguments arguments) {
  ExpireOptions options;
  for (std::string_view option : arguments.subspan(3)) {
    if (EqualsIgnoringCase(option, "nx")) {
      options.if_persistent = true;
    } else if (EqualsIgnoringCase(option, "xx")) {
      options.if_volatile = true;
    } else if (EqualsIgnoringCase(option, "gt")) {
      options.if_later = true;
    } else if (EqualsIgnoringCase(option, "lt")) {
      options.if_earlier = true;
    } else {
      return std::unexpected(
          ErrorQuoting("ERR Unsupported option " + std::string(QuotableText(option))));
    }
  }
  if (options.if_persistent && (options.if_volatile || options.if_later || options.if_earlier)) {
    return std::unexpected(
        Reply::Error("ERR NX and XX, GT or LT options at the same time are not compatible"));
  }
  if (options.if_later && options.if_earlier) {
    return std::unexpected(
        Reply::Error("ERR GT and LT options at the same time are not compatible"));
  }

  const std::optional<std::int64_t> number = ParseInteger(arguments[2]);
  if (!number.has_value()) return std::unexpected(NotAnInteger());
  const std::optional<std::int64_t> millis =
      ToMillis(*number, spec.id == CommandId::kExpire ? kMillisPerSecond : 1);
  if (!millis.has_value()) return std::unexpected(InvalidExpireTime(spec.full_name));
  options.expiry = {.base = RequestedExpiry::Base::kEntryTime, .millis = *millis};
  return options;
}

}  // namespace seshat
