// A key's value as commands see it, and its bytes in the kv family (message StoredValue).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"

namespace seshat {

// The numbers are those of the message's enum ValueType.
enum class ValueType : std::uint8_t { kString = 1 };

// Threads: a value type; owned by its user.
struct Value {
  ValueType type = ValueType::kString;
  Revision revision = {};  // of the command that last changed the key, its expiry included
  std::string data = {};
  UnixMillis created_at = {};                 // when the key came to be or was last SET
  std::optional<UnixMillis> expires_at = {};  // exclusive: at this instant the key is gone
};

// Value without owning its data.
// Lifetime: `data` lies in the bytes that were decoded.
struct ValueView {
  ValueType type = ValueType::kString;
  Revision revision = {};
  std::string_view data = {};
  UnixMillis created_at = {};
  std::optional<UnixMillis> expires_at = {};

  bool IsDue(UnixMillis now) const { return expires_at.has_value() && *expires_at <= now; }
};

// Equal values give equal bytes. Pre: expires_at, when set, is positive.
std::string EncodeValue(const Value& value);

// `row_key` is named in errors.
// Errors: kCorruption when the bytes do not decode; kFailedPrecondition when a newer version of
// Seshat wrote them.
Result<ValueView> DecodeValueView(std::string_view row_key, std::string_view bytes);
Result<Value> DecodeValue(std::string_view row_key, std::string_view bytes);

}  // namespace seshat
