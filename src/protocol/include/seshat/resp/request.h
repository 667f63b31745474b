// One request as it stands in a connection's read buffer.
#pragma once

#include <span>
#include <string_view>

namespace seshat {

// The arguments of one command, its name first; never empty. Redis calls this argv.
using Arguments = std::span<const std::string_view>;

enum class RespVersion { kResp2 = 2, kResp3 = 3 };

}  // namespace seshat
