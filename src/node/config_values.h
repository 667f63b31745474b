// Texts into values of configuration fields, and what to say when that fails.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/node/node_config.h"

namespace seshat {

// Each gives kInvalidArgument with only what is allowed ("1 to 65535"): the caller knows the
// field's name and value.
Result<std::uint64_t> ParseNumber(std::string_view text, std::uint64_t min, std::uint64_t max);
// A number of bytes, with KiB, MiB or GiB after it or nothing.
Result<std::uint64_t> ParseBytes(std::string_view text, std::uint64_t min,
                                 std::uint64_t max = std::uint64_t{1} << 40);
Result<NodeId> ParseNodeId(std::string_view text);
Result<bool> ParseSwitch(std::string_view text);

// One field: its description and how a text becomes its value.
struct FieldReader {
  ConfigField field;
  Status (*set)(NodeConfig& config, std::string_view text) = nullptr;
};

// The whole table, in the order of the documentation.
std::span<const FieldReader> FieldReaders();

}  // namespace seshat
