#include "seshat/commands/stored_value.h"

#include <fmt/format.h>

#include "seshat/commands/key_layout.h"
#include "wire_format.h"

namespace seshat {

using namespace command_wire;

namespace {

constexpr std::uint64_t kVersion = 1;

// Fields of message StoredValue.
enum StoredValueField : std::uint32_t {
  kVersionField = 1,
  kTypeField = 2,
  kRevisionField = 3,
  kDataField = 4,
  kCreatedAtField = 5,
  kExpiresAtField = 6,
};

// Room for all numbers and tags, so that encoding allocates once.
constexpr std::size_t kNumbersBytesMax = 48;

std::unexpected<Error> Corrupt(std::string_view row_key, std::string_view what) {
  return MakeError(ErrorCode::kCorruption,
                   fmt::format("value of row \"{}\" {}", PrintableKey(row_key), what));
}

Status CheckFormat(std::string_view row_key, std::uint64_t version, std::uint64_t type) {
  if (version == 0) return Corrupt(row_key, "has no version");
  if (version > kVersion) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("value of row \"{}\" has version {}, this node knows {}: it was "
                                 "written by a newer Seshat",
                                 PrintableKey(row_key), version, kVersion));
  }
  if (type != static_cast<std::uint64_t>(ValueType::kString)) {
    return Corrupt(row_key, fmt::format("has the unknown type {}", type));
  }
  return {};
}

}  // namespace

std::string EncodeValue(const Value& value) {
  std::string bytes;
  bytes.reserve(value.data.size() + kNumbersBytesMax);
  AppendNumberField(bytes, kVersionField, kVersion);
  AppendNumberField(bytes, kTypeField, static_cast<std::uint64_t>(value.type));
  AppendNumberField(bytes, kRevisionField, value.revision.value());
  AppendBytesField(bytes, kDataField, value.data);
  AppendNumberField(bytes, kCreatedAtField, static_cast<std::uint64_t>(value.created_at.value));
  if (value.expires_at.has_value()) {
    AppendNumberField(bytes, kExpiresAtField, static_cast<std::uint64_t>(value.expires_at->value));
  }
  return bytes;
}

Result<ValueView> DecodeValueView(std::string_view row_key, std::string_view bytes) {
  ValueView value;
  std::uint64_t version = 0;
  std::uint64_t type = 0;
  std::int64_t expires_at_ms = 0;
  WireReader reader(bytes);
  for (WireField field; reader.Next(field);) {
    if (field.number <= kExpiresAtField &&
        (field.type == WireType::kBytes) != (field.number == kDataField)) {
      return Corrupt(row_key, fmt::format("has a malformed field {}", field.number));
    }
    switch (field.number) {
      case kVersionField:
        version = field.varint;
        break;
      case kTypeField:
        type = field.varint;
        break;
      case kRevisionField:
        value.revision = Revision(field.varint);
        break;
      case kDataField:
        value.data = field.bytes;
        break;
      case kCreatedAtField:
        value.created_at.value = static_cast<std::int64_t>(field.varint);
        break;
      case kExpiresAtField:
        expires_at_ms = static_cast<std::int64_t>(field.varint);
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return Corrupt(row_key, "does not decode");
  if (Status format = CheckFormat(row_key, version, type); !format) {
    return std::unexpected(format.error());
  }
  if (expires_at_ms < 0) return Corrupt(row_key, "has a negative expiry");
  if (expires_at_ms > 0) value.expires_at = UnixMillis{expires_at_ms};
  return value;
}

Result<Value> DecodeValue(std::string_view row_key, std::string_view bytes) {
  Result<ValueView> view = DecodeValueView(row_key, bytes);
  if (!view) return std::unexpected(std::move(view).error());
  return Value{.type = view->type,
               .revision = view->revision,
               .data = std::string(view->data),
               .created_at = view->created_at,
               .expires_at = view->expires_at};
}

}  // namespace seshat
