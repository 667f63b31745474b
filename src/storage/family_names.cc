#include "family_names.h"

#include <fmt/core.h>

#include <charconv>
#include <system_error>

namespace seshat {
namespace {

constexpr std::array<std::string_view, 3> kSystemNames{"system_raft_log", "system_raft_state",
                                                       "system_data"};
constexpr std::array<std::string_view, 3> kDataNames{"data_raft_log", "data_raft_state", "data_kv"};
constexpr std::array<std::string_view, 3> kShardSuffixes{"_raft_log", "_raft_state", "_kv"};
constexpr std::string_view kShardPrefix = "shard_";

std::size_t At(FamilyKind kind) {
  return static_cast<std::size_t>(kind);
}

}  // namespace

std::string FamilyName(FamilyRole role) {
  if (role.group == kSystemGroup) return std::string(kSystemNames[At(role.kind)]);
  if (role.group == kFirstDataGroup) return std::string(kDataNames[At(role.kind)]);
  return fmt::format("{}{}{}", kShardPrefix, role.group.value(), kShardSuffixes[At(role.kind)]);
}

std::optional<FamilyRole> ParseFamilyName(std::string_view name) {
  for (const FamilyKind kind : kFamilyKinds) {
    if (name == kSystemNames[At(kind)]) return FamilyRole{.group = kSystemGroup, .kind = kind};
    if (name == kDataNames[At(kind)]) return FamilyRole{.group = kFirstDataGroup, .kind = kind};
    const std::string_view suffix = kShardSuffixes[At(kind)];
    if (!name.starts_with(kShardPrefix) || !name.ends_with(suffix)) continue;
    std::uint64_t id = 0;
    const char* const first = name.data() + kShardPrefix.size();
    const char* const last = name.data() + name.size() - suffix.size();
    if (first >= last) continue;
    const auto [rest, error] = std::from_chars(first, last, id);
    if (error != std::errc() || rest != last) continue;
    const FamilyRole role{.group = GroupId(id), .kind = kind};
    // Leading zeros and the groups that have names of their own.
    if (FamilyName(role) == name) return role;
  }
  return std::nullopt;
}

std::string PhysicalFamilyName(std::string_view name, std::uint64_t generation) {
  if (generation == 0) return std::string(name);
  return fmt::format("{}.{}", name, generation);
}

std::optional<FamilyRole> RoleOfPhysicalFamily(std::string_view name) {
  return ParseFamilyName(name.substr(0, name.find('.')));
}

}  // namespace seshat
