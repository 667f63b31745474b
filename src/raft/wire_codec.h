// Protobuf's wire format by hand, for the messages on the hot path.
//
// A log entry is written to the disk and to every follower: the generated classes would copy its
// data into a message object first. What is written here is byte for byte what they write
// (codec_test.cc compares). Not a general protobuf library: groups are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "seshat/base/error.h"

namespace seshat {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr std::size_t VarintSize(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

inline void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// Takes a varint off the front of `rest`. False, and `rest` is of no use, when there is none.
bool TakeVarint(std::string_view& rest, std::uint64_t& value);

constexpr std::uint64_t WireTag(std::uint32_t field, WireType type) {
  return std::uint64_t{field} << 3 | static_cast<std::uint64_t>(type);
}

// A varint field; absent when zero, as proto3 has it. Signed values: cast, as int64 does.
inline void AppendVarintField(std::string& out, std::uint32_t field, std::uint64_t value) {
  if (value == 0) return;
  AppendVarint(out, WireTag(field, WireType::kVarint));
  AppendVarint(out, value);
}

constexpr std::size_t VarintFieldSize(std::uint32_t field, std::uint64_t value) {
  return value == 0 ? 0 : VarintSize(WireTag(field, WireType::kVarint)) + VarintSize(value);
}

// The tag and length of a bytes or message field; `size` bytes must follow.
inline void AppendBytesHeader(std::string& out, std::uint32_t field, std::size_t size) {
  AppendVarint(out, WireTag(field, WireType::kBytes));
  AppendVarint(out, size);
}

// Header included; present even when empty, as an element of a repeated field is.
constexpr std::size_t BytesFieldSize(std::uint32_t field, std::size_t size) {
  return VarintSize(WireTag(field, WireType::kBytes)) + VarintSize(size) + size;
}

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // kVarint
  std::string_view bytes;   // kBytes: a view into the message
};

// Walks the fields of one message.
// Threads: owned by its user. Lifetime: views live as long as the bytes given.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  // False at the end and on malformed bytes; ok() tells which.
  bool Next(WireField& field);
  bool ok() const { return ok_; }

 private:
  bool Skip(std::size_t count);
  bool Fail() {
    ok_ = false;
    return false;
  }

  std::string_view rest_;
  bool ok_ = true;
};

// The version that this release writes, and the newest that it reads, of every raft record.
inline constexpr std::uint32_t kRecordVersion = 1;

// Errors: kCorruption naming `record` for version 0 (absent), kFailedPrecondition for a newer one.
Status CheckRecordVersion(std::string_view record, std::uint64_t version);

// kCorruption: "`record` does not decode".
std::unexpected<Error> MalformedRecord(std::string_view record);

// A record off the hot path, read by its generated class. Errors: both of the above.
template <typename Message>
Status ParseRecord(std::string_view record, std::string_view bytes, Message& message) {
  if (bytes.size() > INT32_MAX ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return MalformedRecord(record);
  }
  return CheckRecordVersion(record, message.version());
}

}  // namespace seshat
