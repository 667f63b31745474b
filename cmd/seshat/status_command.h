// `seshat status`: what a node says of itself and its cluster, for people or as JSON.
#pragma once

#include <string>

namespace seshat {

// Prints the status of the node whose admin endpoint is `address`. Gives the exit status: 0 when
// all is well, 1 when something is wrong (the output says what and why), 2 when nobody answers.
int RunStatus(const std::string& address, bool as_json);

}  // namespace seshat
