#include "inspect_command.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>
#include <system_error>

#include "inspection_output.h"
#include "seshat/admin/group_names.h"
#include "seshat/node/directory_inspection.h"

namespace seshat {
namespace {

constexpr int kExitUsage = 2;

// False for what is no number. `bound` stays empty for an empty text.
bool ParseBound(std::string_view text, std::optional<LogIndex>& bound) {
  if (text.empty()) return true;
  std::uint64_t index = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || rest != text.data() + text.size()) return false;
  bound = LogIndex(index);
  return true;
}

// False for what is no range; ":" alone is all there is.
bool ParseEntries(std::string_view text, InspectionOptions& options) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  if (!ParseBound(text.substr(0, colon), options.entries_from) ||
      !ParseBound(text.substr(colon + 1), options.entries_to)) {
    return false;
  }
  if (!options.entries_from) options.entries_from = LogIndex(0);
  return !options.entries_to || *options.entries_from <= *options.entries_to;
}

}  // namespace

int RunInspect(const InspectCommandOptions& options) {
  InspectionOptions inspect;
  inspect.data_dir = options.data_dir;
  inspect.with_arguments = options.with_values;
  if (!options.group.empty()) {
    inspect.group = ParseGroupName(options.group);
    if (!inspect.group) {
      fmt::print(stderr, "seshat inspect: --group {}: allowed: data, system, or a group's number\n",
                 options.group);
      return kExitUsage;
    }
  }
  if (!options.entries.empty() && !ParseEntries(options.entries, inspect)) {
    fmt::print(stderr,
               "seshat inspect: --entries {}: allowed: FROM:TO, two indexes, either may be left "
               "out\n",
               options.entries);
    return kExitUsage;
  }
  const Result<DirectoryInspection> inspection = InspectDirectory(inspect);
  if (!inspection) {
    fmt::print(stderr, "seshat inspect: {}\n", inspection.error().message());
    return kExitUsage;
  }
  fmt::print("{}", options.as_json ? ToJson(*inspection) : ToTable(*inspection));
  return inspection->damage.empty() ? 0 : 1;
}

}  // namespace seshat
