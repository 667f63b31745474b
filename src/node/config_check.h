// What no single field shows: contradictions between fields, and doors left open.
#pragma once

#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/node/node_config.h"

namespace seshat {

// Errors: kInvalidArgument naming the fields that contradict each other, their values and what is
//         allowed.
Status CheckNodeConfig(const NodeConfig& config);

// What an operator should know of a configuration that is allowed but open.
std::vector<std::string> SecurityWarnings(const NodeConfig& config);

// The whole of a small file, such as a configuration or a secret.
// Errors: kIo naming it; kInvalidArgument beyond 1 MiB.
Result<std::string> ReadWholeFile(const std::string& file);

}  // namespace seshat
