#include "seshat/admin/group_names.h"

#include <charconv>
#include <cstdint>

namespace seshat {

std::string GroupName(GroupId group) {
  if (group == kSystemGroup) return "system";
  if (group == kFirstDataGroup) return "data";
  return "shard " + std::to_string(group.value());
}

std::optional<GroupId> ParseGroupName(std::string_view text) {
  if (text == "system") return kSystemGroup;
  if (text == "data") return kFirstDataGroup;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return GroupId(number);
}

}  // namespace seshat
