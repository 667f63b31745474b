#include "wire_format.h"

#include <limits>

namespace seshat::command_wire {

bool WireReader::Next(WireField& field) {
  if (!ok_ || rest_.empty()) return false;
  std::uint64_t tag = 0;
  if (!ReadVarint(tag) || tag > std::numeric_limits<std::uint32_t>::max() || tag >> 3 == 0) {
    return Fail();
  }
  field = {.number = static_cast<std::uint32_t>(tag >> 3), .type = static_cast<WireType>(tag & 7)};
  switch (field.type) {
    case WireType::kVarint:
      return ReadVarint(field.varint) || Fail();
    case WireType::kFixed64:
      return Skip(8) || Fail();
    case WireType::kFixed32:
      return Skip(4) || Fail();
    case WireType::kBytes: {
      std::uint64_t size = 0;
      if (!ReadVarint(size) || size > rest_.size()) return Fail();
      field.bytes = rest_.substr(0, size);
      return Skip(size);
    }
  }
  return Fail();
}

bool WireReader::ReadVarint(std::uint64_t& value) {
  value = 0;
  for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    // The tenth byte has room for one bit of a 64-bit number.
    if (i == 9 && byte > 1) return false;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return Skip(i + 1);
  }
  return false;
}

bool WireReader::Skip(std::size_t bytes) {
  if (bytes > rest_.size()) return false;
  rest_.remove_prefix(bytes);
  return true;
}

}  // namespace seshat::command_wire
