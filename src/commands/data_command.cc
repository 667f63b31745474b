#include "seshat/commands/data_command.h"

#include <fmt/format.h>

#include <cstdint>

#include "seshat/base/check.h"
#include "wire_format.h"

namespace seshat {

using namespace command_wire;

namespace {

constexpr std::uint64_t kVersion = 1;

// Fields of messages DataCommand, ClientCommand, ExpireKeys and ExpiringKey.
enum DataCommandField : std::uint32_t {
  kVersionField = 1,
  kClientField = 2,
  kExpireField = 3,
  kMarkField = 4
};
enum ClientCommandField : std::uint32_t { kArgumentsField = 1 };
enum ExpireKeysField : std::uint32_t { kKeysField = 1 };
enum ExpiringKeyField : std::uint32_t { kKeyField = 1, kExpiresAtField = 2, kRevisionField = 3 };

std::unexpected<Error> Malformed(std::string_view what) {
  return MakeError(ErrorCode::kCorruption, fmt::format("data command {}", what));
}

// The size of a field with a tag of one byte.
std::size_t BytesElementSize(std::size_t bytes) {
  return 1 + VarintBytes(bytes) + bytes;
}

void BeginCommand(std::string& out, std::uint32_t kind_field, std::size_t body_bytes) {
  out.reserve(body_bytes + 16);
  AppendNumberField(out, kVersionField, kVersion);
  AppendTag(out, kind_field, WireType::kBytes);
  AppendVarint(out, body_bytes);
}

Status DecodeClient(std::string_view body, DataCommand& command) {
  WireReader reader(body);
  for (WireField field; reader.Next(field);) {
    if (field.number != kArgumentsField) continue;
    if (field.type != WireType::kBytes) return Malformed("has a malformed argument");
    command.arguments.push_back(field.bytes);
  }
  if (!reader.ok()) return Malformed("has malformed arguments");
  if (command.arguments.empty()) return Malformed("has no arguments");
  return {};
}

Result<ExpiringKey> DecodeExpiringKey(std::string_view body) {
  ExpiringKey key;
  WireReader reader(body);
  for (WireField field; reader.Next(field);) {
    if (field.number <= kRevisionField &&
        (field.type == WireType::kBytes) != (field.number == kKeyField)) {
      return Malformed("has a malformed expiring key");
    }
    switch (field.number) {
      case kKeyField:
        key.key = field.bytes;
        break;
      case kExpiresAtField:
        key.expires_at.value = static_cast<std::int64_t>(field.varint);
        break;
      case kRevisionField:
        key.revision = Revision(field.varint);
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return Malformed("has a malformed expiring key");
  return key;
}

Status DecodeExpire(std::string_view body, DataCommand& command) {
  WireReader reader(body);
  for (WireField field; reader.Next(field);) {
    if (field.number != kKeysField) continue;
    if (field.type != WireType::kBytes) return Malformed("has a malformed expiring key");
    if (command.expiring_keys.size() == kExpiringKeysMax) return Malformed("expires too many keys");
    Result<ExpiringKey> key = DecodeExpiringKey(field.bytes);
    if (!key) return std::unexpected(std::move(key).error());
    command.expiring_keys.push_back(*key);
  }
  if (!reader.ok()) return Malformed("has malformed expiring keys");
  return {};
}

}  // namespace

std::string EncodeClientCommand(Arguments arguments) {
  std::size_t body_bytes = 0;
  for (std::string_view argument : arguments) body_bytes += BytesElementSize(argument.size());
  std::string out;
  BeginCommand(out, kClientField, body_bytes);
  for (std::string_view argument : arguments) AppendBytesElement(out, kArgumentsField, argument);
  return out;
}

std::string EncodeExpireKeys(std::span<const ExpiringKey> keys) {
  SESHAT_CHECK(keys.size() <= kExpiringKeysMax);
  std::string body;
  std::string element;
  for (const ExpiringKey& key : keys) {
    element.clear();
    AppendBytesField(element, kKeyField, key.key);
    AppendNumberField(element, kExpiresAtField, static_cast<std::uint64_t>(key.expires_at.value));
    AppendNumberField(element, kRevisionField, key.revision.value());
    AppendBytesElement(body, kKeysField, element);
  }
  std::string out;
  BeginCommand(out, kExpireField, body.size());
  out.append(body);
  return out;
}

std::string EncodeMarkState() {
  std::string out;
  BeginCommand(out, kMarkField, 0);
  return out;
}

Status DecodeDataCommand(std::string_view bytes, DataCommand& command) {
  command.arguments.clear();
  command.expiring_keys.clear();
  std::uint64_t version = 0;
  WireField kind;
  WireReader reader(bytes);
  for (WireField field; reader.Next(field);) {
    if (field.number == kVersionField && field.type == WireType::kVarint) version = field.varint;
    if (field.number >= kClientField && field.number <= kMarkField) kind = field;
  }
  if (!reader.ok() || version == 0) return Malformed("does not decode");
  if (version > kVersion) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("data command has version {}, this node knows {}: it was written "
                                 "by a newer Seshat",
                                 version, kVersion));
  }
  if (kind.number == 0 || kind.type != WireType::kBytes) return Malformed("has no kind");
  if (kind.number == kClientField) {
    command.kind = DataCommand::Kind::kClient;
    return DecodeClient(kind.bytes, command);
  }
  if (kind.number == kMarkField) {
    command.kind = DataCommand::Kind::kMark;
    return {};
  }
  command.kind = DataCommand::Kind::kExpire;
  return DecodeExpire(kind.bytes, command);
}

}  // namespace seshat
