// The key model: what commands on string keys do and answer, written down a second time.
//
// It is what the checker of histories holds the product against, so it shares no code with
// src/commands. It knows no expiry and no types but strings.
// Source: Redis 7.0's pages of each command.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/resp/reply.h"

namespace seshat {

struct KeyCommand {
  enum class Kind { kGet, kSet, kDel, kIncr, kAppend, kMGet, kMSet };
  enum class Condition { kAlways, kIfAbsent, kIfPresent };
  Kind kind = Kind::kGet;
  std::vector<std::string> keys = {};        // one; DEL, MGET and MSET: one or more, also repeated
  std::vector<std::string> values = {};      // SET, APPEND: one; MSET: one for each key
  Condition condition = Condition::kAlways;  // SET: NX, XX
  bool returns_old = false;                  // SET: GET

  auto operator<=>(const KeyCommand&) const = default;

  // Answers may tell about keys, but these commands never change any.
  bool IsRead() const { return kind == Kind::kGet || kind == Kind::kMGet; }
  // Leaves, if it has an effect, the same in its keys whatever they held.
  bool IsOverwrite() const {
    return kind == Kind::kSet || kind == Kind::kMSet || kind == Kind::kDel;
  }
  // Succeeds on every state, and leaves the same in its keys whatever they held.
  bool IsBlind() const;
};

// "SET k v NX GET", with what is not printable escaped.
std::string ToString(const KeyCommand& command);
// "OK", "nil", "5", "\"text\"", "[\"a\", nil]", "(error) ERR ...".
std::string ToString(const Reply& reply);

// What the keys of one group hold, by their place in it; nothing: the key does not exist.
inline constexpr std::size_t kGroupKeysMax = 4;
using KeyValue = std::optional<std::string>;
using KeyState = std::array<KeyValue, kGroupKeysMax>;

// Executes a command on `state`. `places`: where each of its keys is there.
// False, and nothing changed: on this state the command does not answer `reply`. Null: any will do.
bool TakeEffect(const KeyCommand& command, std::span<const std::uint8_t> places, const Reply* reply,
                KeyState& state);

// Whether a command that answered `reply` has left every key as it was, whatever they held.
bool HasChangedNothing(const KeyCommand& command, const Reply& reply);

// What an answer tells of one key as it was before: one of these was so.
struct KeyEvidence {
  std::uint8_t place = 0;
  bool is_absent = false;                 // it did not exist
  bool is_present = false;                // it existed
  bool is_no_number = false;              // it existed, and could not be incremented
  std::optional<std::string> value = {};  // it held this
  std::optional<std::size_t> size = {};   // it held so many bytes

  bool Fits(const KeyValue& held) const;
};
// Each of these must fit; on several keys a command may tell more than that, or either of two.
std::vector<KeyEvidence> EvidenceOf(const KeyCommand& command, std::span<const std::uint8_t> places,
                                    const Reply& reply);

// The number that INCR takes a value for.
std::optional<std::int64_t> NumberIn(std::string_view value);
// Whether a value is a number, or could become one when something is appended.
bool MayBecomeNumber(std::string_view value);

}  // namespace seshat
