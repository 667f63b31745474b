// What operators call a group: in tables, in JSON and on the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "seshat/base/ids.h"

namespace seshat {

// "system", "data"; "shard 2" and so on for the groups after the first shard.
std::string GroupName(GroupId group);

// The group that `text` names: "system", "data", or any group's number.
std::optional<GroupId> ParseGroupName(std::string_view text);

}  // namespace seshat
