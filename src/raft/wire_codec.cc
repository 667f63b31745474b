#include "wire_codec.h"

#include <fmt/format.h>

namespace seshat {

bool TakeVarint(std::string_view& rest, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty()) return false;
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;  // longer than any 64-bit number
}

bool WireReader::Skip(std::size_t count) {
  if (rest_.size() < count) return false;
  rest_.remove_prefix(count);
  return true;
}

bool WireReader::Next(WireField& field) {
  if (!ok_ || rest_.empty()) return false;

  std::uint64_t tag = 0;
  if (!TakeVarint(rest_, tag)) return Fail();
  const std::uint64_t number = tag >> 3;
  if (number == 0 || number > 0x1fffffff) return Fail();
  field.number = static_cast<std::uint32_t>(number);
  field.type = static_cast<WireType>(tag & 7);

  switch (field.type) {
    case WireType::kVarint:
      return TakeVarint(rest_, field.value) || Fail();
    case WireType::kFixed64:
      return Skip(8) || Fail();
    case WireType::kFixed32:
      return Skip(4) || Fail();
    case WireType::kBytes: {
      std::uint64_t size = 0;
      if (!TakeVarint(rest_, size) || size > rest_.size()) return Fail();
      field.bytes = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return true;
    }
  }
  return Fail();
}

Status CheckRecordVersion(std::string_view record, std::uint64_t version) {
  if (version == 0) {
    return MakeError(ErrorCode::kCorruption, fmt::format("{} carries no version", record));
  }
  if (version > kRecordVersion) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("{} has version {}; this release reads up to {}", record, version,
                                 kRecordVersion));
  }
  return {};
}

std::unexpected<Error> MalformedRecord(std::string_view record) {
  return MakeError(ErrorCode::kCorruption, fmt::format("{} does not decode", record));
}

}  // namespace seshat
