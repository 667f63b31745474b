// The replies for keys and values over their limit.
#pragma once

#include <cstdint>

#include "seshat/resp/reply.h"

namespace seshat {

Reply KeyTooLarge(std::uint64_t bytes, std::uint64_t bytes_max);
Reply ValueTooLarge(std::uint64_t bytes, std::uint64_t bytes_max);

}  // namespace seshat
