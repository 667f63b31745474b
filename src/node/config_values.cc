#include "config_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace seshat {
namespace {

std::unexpected<Error> Allowed(std::string text) {
  return MakeError(ErrorCode::kInvalidArgument, std::move(text));
}

// Stores a parsed value, or passes the error on.
template <typename Value, typename Target>
Status Store(Result<Value> value, Target& target) {
  if (!value) return std::unexpected(value.error());
  target = std::move(*value);
  return {};
}

Status StoreText(std::string_view text, std::string_view allowed, std::string& target) {
  if (text.empty()) return Allowed(std::string(allowed));
  target = text;
  return {};
}

template <typename Enum, std::size_t N>
Status StoreChoice(std::string_view text,
                   const std::array<std::pair<std::string_view, Enum>, N>& choices, Enum& target) {
  std::string allowed;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      target = value;
      return {};
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(name);
  }
  return Allowed(allowed);
}

constexpr std::array kReadModes = {std::pair{std::string_view("lease"), ReadModeSetting::kLease},
                                   std::pair{std::string_view("quorum"), ReadModeSetting::kQuorum},
                                   std::pair{std::string_view("stale"), ReadModeSetting::kStale}};
constexpr std::array kLogLevels = {std::pair{std::string_view("debug"), LogLevelSetting::kDebug},
                                   std::pair{std::string_view("info"), LogLevelSetting::kInfo},
                                   std::pair{std::string_view("warn"), LogLevelSetting::kWarn},
                                   std::pair{std::string_view("error"), LogLevelSetting::kError}};
constexpr std::array kLogFormats = {std::pair{std::string_view("auto"), LogFormatSetting::kAuto},
                                    std::pair{std::string_view("json"), LogFormatSetting::kJson},
                                    std::pair{std::string_view("text"), LogFormatSetting::kText}};

constexpr std::uint64_t kKiB = 1 << 10;
constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;

}  // namespace

Result<std::uint64_t> ParseNumber(std::string_view text, std::uint64_t min, std::uint64_t max) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    return Allowed(fmt::format("a whole number from {} to {}", min, max));
  }
  return value;
}

Result<std::uint64_t> ParseBytes(std::string_view text, std::uint64_t min, std::uint64_t max) {
  constexpr std::array kUnits = {std::pair{std::string_view("KiB"), kKiB},
                                 std::pair{std::string_view("MiB"), kMiB},
                                 std::pair{std::string_view("GiB"), kGiB}};
  std::uint64_t unit = 1;
  std::string_view digits = text;
  for (const auto& [suffix, factor] : kUnits) {
    if (!digits.ends_with(suffix)) continue;
    unit = factor;
    digits.remove_suffix(suffix.size());
    while (digits.ends_with(' ')) digits.remove_suffix(1);
    break;
  }
  const Result<std::uint64_t> count = ParseNumber(digits, 0, max / unit);
  if (!count || *count * unit < min) {
    return Allowed(
        fmt::format("a number of bytes from {} to {}, or one with KiB, MiB or GiB", min, max));
  }
  return *count * unit;
}

Result<bool> ParseSwitch(std::string_view text) {
  if (text == "yes" || text == "true") return true;
  if (text == "no" || text == "false") return false;
  return Allowed("yes, no");
}

Result<Endpoint> ParseEndpoint(std::string_view text) {
  constexpr std::string_view kAllowed =
      "HOST:PORT with a port from 0 to 65535; an IPv6 address in brackets";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return Allowed(std::string(kAllowed));
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  const Result<std::uint64_t> port = ParseNumber(text.substr(colon + 1), 0, 65535);
  const bool is_host_clean = host.find_first_of(" ,=[]\t\n/") == std::string_view::npos;
  if (!port || !is_host_clean || (!in_brackets && host.find(':') != std::string_view::npos)) {
    return Allowed(std::string(kAllowed));
  }
  return Endpoint{std::string(host), static_cast<std::uint16_t>(*port)};
}

Result<NodeId> ParseNodeId(std::string_view text) {
  const Result<std::uint64_t> id = ParseNumber(text, 1, std::numeric_limits<std::uint64_t>::max());
  if (!id) return std::unexpected(id.error());
  return NodeId(*id);
}

Result<std::vector<FoundingMember>> ParseFoundingMembers(std::string_view text) {
  constexpr std::string_view kAllowed =
      "ID=HOST:PORT[,ID=HOST:PORT...], 1 to 7 members with ids from 1 up and internal addresses, "
      "each id and each address once";
  std::vector<FoundingMember> members;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return Allowed(std::string(kAllowed));
    const Result<NodeId> id = ParseNodeId(item.substr(0, equals));
    const Result<Endpoint> address = ParseEndpoint(item.substr(equals + 1));
    if (!id || !address || address->port == 0) return Allowed(std::string(kAllowed));
    for (const FoundingMember& other : members) {
      if (other.node == *id || other.internal_address == *address) {
        return Allowed(std::string(kAllowed));
      }
    }
    members.push_back({*id, *address});
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (members.size() > 7) return Allowed(std::string(kAllowed));
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.node < b.node; });
  return members;
}

// The macros keep a field's four names on one line each; a field is found by any of them.
#define SESHAT_SETTER(...) [](NodeConfig& c, std::string_view t) -> Status { __VA_ARGS__; }
#define SESHAT_NUMBER(target, min, max) \
  SESHAT_SETTER(return Store(ParseNumber(t, min, max), target))
#define SESHAT_BYTES(target, min) SESHAT_SETTER(return Store(ParseBytes(t, min), target))

std::span<const FieldReader> FieldReaders() {
  static constexpr std::uint64_t kDayMs = 24 * 3600 * 1000;
  static constexpr auto kFields = std::to_array<FieldReader>({
#include "config_fields.inc"
  });
  return kFields;
}

#undef SESHAT_BYTES
#undef SESHAT_NUMBER
#undef SESHAT_SETTER

std::span<const ConfigField> ConfigFields() {
  static const std::vector<ConfigField> fields = [] {
    std::vector<ConfigField> all;
    for (const FieldReader& reader : FieldReaders()) all.push_back(reader.field);
    return all;
  }();
  return fields;
}

}  // namespace seshat
