// Protobuf's wire format for the two messages on the hot path, StoredValue and DataCommand:
// written without a message object, read as views into the bytes.
//
// Field numbers are those of proto/seshat/v1; the tests compare every byte with what protobuf
// writes. Fields are written ascending, and defaults are left out, as protobuf does.
// In a namespace of its own: raft has a codec of the same names, and one program links both.
// Source: protobuf encoding guide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace seshat::command_wire {

inline void AppendVarint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

inline std::size_t VarintBytes(std::uint64_t value) {
  std::size_t bytes = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++bytes;
  }
  return bytes;
}

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// Field numbers up to 15 have tags of one byte; ours have no more.
inline void AppendTag(std::string& out, std::uint32_t field, WireType type) {
  AppendVarint(out, field << 3 | static_cast<std::uint32_t>(type));
}

inline void AppendNumberField(std::string& out, std::uint32_t field, std::uint64_t value) {
  if (value == 0) return;
  AppendTag(out, field, WireType::kVarint);
  AppendVarint(out, value);
}

// Writes the field even when empty: for elements of repeated fields.
inline void AppendBytesElement(std::string& out, std::uint32_t field, std::string_view bytes) {
  AppendTag(out, field, WireType::kBytes);
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

inline void AppendBytesField(std::string& out, std::uint32_t field, std::string_view bytes) {
  if (!bytes.empty()) AppendBytesElement(out, field, bytes);
}

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t varint = 0;     // kVarint
  std::string_view bytes = {};  // kBytes
};

// Walks the fields of one message.
// Threads: owned by its user. Lifetime: fields lie in the message's bytes.
class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  // False at the end and on malformed bytes: ask ok() which.
  bool Next(WireField& field);
  bool ok() const { return ok_; }

 private:
  bool ReadVarint(std::uint64_t& value);
  bool Skip(std::size_t bytes);
  bool Fail() {
    ok_ = false;
    return false;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace seshat::command_wire
