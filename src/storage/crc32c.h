// CRC-32C (Castagnoli): what RocksDB's log records and our own small files are checked with.
#pragma once

#include <cstdint>
#include <string_view>

namespace seshat {

// Source: RFC 3720, appendix B.4.
std::uint32_t Crc32c(std::string_view bytes);

}  // namespace seshat
