// The rows of a group's state family.
#pragma once

#include <string_view>

namespace seshat {

inline constexpr std::string_view kStateRow = "state";
inline constexpr std::string_view kSnapshotRow = "snapshot";
inline constexpr std::string_view kLogStartRow = "log_start";

}  // namespace seshat
