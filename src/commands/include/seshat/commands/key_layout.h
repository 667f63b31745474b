// Where things lie in a group's kv family: two bytes, big-endian, then the rest.
//
//   0x0000-0x3FFF  slot, then the user's key                                  -> StoredValue
//   0x4000-0x7FFF  0x4000 + slot, expiry (8 bytes, ms), then the user's key   -> empty
//   0xFFFF         the group's own rows, by name                              -> AppliedState, ...
//
// It knows bytes of keys only, never of values (stored_value.h, applied_state.h).
// Source: docs/adr/0003-key-layout.md.
#pragma once

#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/slot.h"
#include "seshat/base/time.h"

namespace seshat {

inline constexpr std::string_view kGroupRowPrefix{"\xff\xff"};
// Behind every row, for a scan of all of them.
inline constexpr std::string_view kRowsEnd{"\xff\xff\xff"};
inline constexpr std::string_view kAppliedRowKey{
    "\xff\xff"
    "applied"};

// The row of a user's key, under the key's own slot.
std::string DataRowKey(std::string_view user_key);
// The same, replacing what `row_key` holds: saves the allocation on hot paths.
void SetDataRowKey(std::string_view user_key, std::string& row_key);

// The row that says when a key is due. Pre: expires_at.value >= 0, so that byte order is time
// order.
std::string ExpiryRowKey(Slot slot, UnixMillis expires_at, std::string_view user_key);

// Bounds of the expiry rows of one slot and of all: each an inclusive first and an exclusive end.
std::string ExpiryRowsBegin(Slot slot);
std::string ExpiryRowsEnd(Slot slot);
inline constexpr std::string_view kExpiryRowsEnd{"\x80\x00", 2};

// Lifetime: `user_key` lies in the parsed row key.
struct DataRow {
  Slot slot = {};
  std::string_view user_key = {};
};

// Lifetime: `user_key` lies in the parsed row key.
struct ExpiryRow {
  Slot slot = {};
  UnixMillis expires_at = {};
  std::string_view user_key = {};
};

// Errors: kCorruption, naming the row, when it is too short, outside of its range, or under
// another slot than its user key's.
Result<DataRow> ParseDataRowKey(std::string_view row_key);
Result<ExpiryRow> ParseExpiryRowKey(std::string_view row_key);

// A row key for messages: printable characters as they are, others as \xNN, cut after 64 bytes.
std::string PrintableKey(std::string_view key);

}  // namespace seshat
