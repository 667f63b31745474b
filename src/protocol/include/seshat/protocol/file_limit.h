// The number of files, sockets among them, that this process may have open.
#pragma once

#include <cstddef>

#include "seshat/base/error.h"

namespace seshat {

// Raises RLIMIT_NOFILE so that `connections_max` sockets and `reserve` other files fit.
// Errors: kResourceExhausted when the system does not allow as many; the message names what it
//         allows and how to change it. The limit is then as high as it may be.
Status RaiseFileLimit(std::size_t connections_max, std::size_t reserve);

}  // namespace seshat
