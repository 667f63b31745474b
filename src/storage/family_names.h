// Which column families a Raft group has: the one place that spells their names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seshat/base/ids.h"

namespace seshat {

enum class FamilyKind : std::size_t { kLog, kState, kKv };
inline constexpr std::array kFamilyKinds{FamilyKind::kLog, FamilyKind::kState, FamilyKind::kKv};

struct FamilyRole {
  GroupId group;
  FamilyKind kind = FamilyKind::kLog;

  bool operator==(const FamilyRole&) const = default;
};

// The logical name: `system_raft_log`, `data_raft_state`, `shard_7_kv`, ...
std::string FamilyName(FamilyRole role);

// The inverse; empty for any other name.
std::optional<FamilyRole> ParseFamilyName(std::string_view name);

// The family on disk: the name itself for generation 0, else `<name>.<generation>`.
std::string PhysicalFamilyName(std::string_view name, std::uint64_t generation);

// What a family on disk is for, whatever its generation; empty for a name that is none of ours.
std::optional<FamilyRole> RoleOfPhysicalFamily(std::string_view name);

}  // namespace seshat
