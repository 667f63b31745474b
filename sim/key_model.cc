#include "key_model.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "seshat/base/check.h"

namespace seshat {
namespace {

using Kind = KeyCommand::Kind;
using Condition = KeyCommand::Condition;

bool IsNull(const Reply& reply) {
  return reply.type == Reply::Type::kNull;
}
bool IsOk(const Reply& reply) {
  return reply.type == Reply::Type::kSimpleString && reply.text == "OK";
}
bool IsInteger(const Reply& reply, std::size_t value) {
  return reply.type == Reply::Type::kInteger && reply.integer == static_cast<std::int64_t>(value);
}
bool IsValue(const Reply& reply, const KeyValue& value) {
  return value ? reply.type == Reply::Type::kBulkString && reply.text == *value : IsNull(reply);
}

bool Set(const KeyCommand& command, const Reply* reply, KeyValue& value) {
  const bool is_stored = command.condition == Condition::kAlways ||
                         (command.condition == Condition::kIfPresent) == value.has_value();
  if (reply != nullptr) {
    const bool fits = command.returns_old ? IsValue(*reply, value)
                      : is_stored         ? IsOk(*reply)
                                          : IsNull(*reply);
    if (!fits) return false;
  }
  if (is_stored) value = command.values[0];
  return true;
}

bool Del(std::span<const std::uint8_t> places, const Reply* reply, KeyState& state) {
  KeyState after = state;
  std::size_t deleted = 0;
  for (const std::uint8_t place : places) {
    if (after[place].has_value()) ++deleted;
    after[place].reset();
  }
  if (reply != nullptr && !IsInteger(*reply, deleted)) return false;
  state = std::move(after);
  return true;
}

bool CanBeIncremented(std::string_view value) {
  const auto number = NumberIn(value);
  return number && *number != std::numeric_limits<std::int64_t>::max();
}

bool Incr(const Reply* reply, KeyValue& value) {
  const std::optional<std::int64_t> number = value ? NumberIn(*value) : 0;
  if (!number || *number == std::numeric_limits<std::int64_t>::max()) {
    return reply == nullptr ||
           *reply == Reply::Error(number ? "ERR increment or decrement would overflow"
                                         : "ERR value is not an integer or out of range");
  }
  if (reply != nullptr && (reply->type != Reply::Type::kInteger || reply->integer != *number + 1)) {
    return false;
  }
  value = std::to_string(*number + 1);
  return true;
}

bool Append(const std::string& addition, const Reply* reply, KeyValue& value) {
  const std::size_t size = (value ? value->size() : 0) + addition.size();
  if (reply != nullptr && !IsInteger(*reply, size)) return false;
  if (!value) value.emplace();
  *value += addition;
  return true;
}

bool MGet(std::span<const std::uint8_t> places, const Reply* reply, const KeyState& state) {
  if (reply == nullptr) return true;
  return reply->type == Reply::Type::kArray &&
         std::equal(
             reply->items.begin(), reply->items.end(), places.begin(), places.end(),
             [&](const Reply& item, std::uint8_t place) { return IsValue(item, state[place]); });
}

bool MSet(const KeyCommand& command, std::span<const std::uint8_t> places, const Reply* reply,
          KeyState& state) {
  if (reply != nullptr && !IsOk(*reply)) return false;
  for (std::size_t i = 0; i < places.size(); ++i) state[places[i]] = command.values[i];
  return true;
}

KeyEvidence Shown(std::uint8_t place, const Reply& reply) {
  KeyEvidence evidence{.place = place, .is_absent = IsNull(reply)};
  if (reply.type == Reply::Type::kBulkString) evidence.value = reply.text;
  return evidence;
}

KeyEvidence EvidenceOfSet(const KeyCommand& command, std::uint8_t place, const Reply& reply) {
  if (command.returns_old) return Shown(place, reply);
  const bool was_present = (command.condition == Condition::kIfPresent) == IsOk(reply);
  return {.place = place, .is_absent = !was_present, .is_present = was_present};
}

KeyEvidence EvidenceOfIncr(std::uint8_t place, const Reply& reply) {
  KeyEvidence evidence{.place = place, .is_no_number = reply.IsError()};
  if (reply.IsError() || reply.integer == std::numeric_limits<std::int64_t>::min()) return evidence;
  evidence.value = std::to_string(reply.integer - 1);
  evidence.is_absent = reply.integer == 1;
  return evidence;
}

KeyEvidence EvidenceOfAppend(std::uint8_t place, std::size_t added, const Reply& reply) {
  KeyEvidence evidence{.place = place, .is_absent = IsInteger(reply, added)};
  if (reply.integer >= static_cast<std::int64_t>(added)) {
    evidence.size = static_cast<std::size_t>(reply.integer) - added;
  }
  return evidence;
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kGet:
      return "GET";
    case Kind::kSet:
      return "SET";
    case Kind::kDel:
      return "DEL";
    case Kind::kIncr:
      return "INCR";
    case Kind::kAppend:
      return "APPEND";
    case Kind::kMGet:
      return "MGET";
    case Kind::kMSet:
      return "MSET";
  }
  return "";
}

}  // namespace

bool KeyCommand::IsBlind() const {
  return kind == Kind::kMSet ||
         (kind == Kind::kSet && condition == Condition::kAlways && !returns_old);
}

bool TakeEffect(const KeyCommand& command, std::span<const std::uint8_t> places, const Reply* reply,
                KeyState& state) {
  KeyValue& first = state[places[0]];
  switch (command.kind) {
    case Kind::kGet:
      return reply == nullptr || IsValue(*reply, first);
    case Kind::kSet:
      return Set(command, reply, first);
    case Kind::kDel:
      return Del(places, reply, state);
    case Kind::kIncr:
      return Incr(reply, first);
    case Kind::kAppend:
      return Append(command.values[0], reply, first);
    case Kind::kMGet:
      return MGet(places, reply, state);
    case Kind::kMSet:
      return MSet(command, places, reply, state);
  }
  return false;
}

bool HasChangedNothing(const KeyCommand& command, const Reply& reply) {
  switch (command.kind) {
    case Kind::kGet:
    case Kind::kMGet:
      return true;
    case Kind::kSet:
      if (command.condition == Condition::kAlways) return false;
      // With GET the answer is the old value: of NX null means that there was none, so it stored.
      return command.returns_old && command.condition == Condition::kIfAbsent ? !IsNull(reply)
                                                                              : IsNull(reply);
    case Kind::kDel:
      return IsInteger(reply, 0);
    case Kind::kIncr:
      return reply.IsError();
    case Kind::kAppend:
    case Kind::kMSet:
      return false;
  }
  return false;
}

bool KeyEvidence::Fits(const KeyValue& held) const {
  if (!held) return is_absent;
  return is_present || value == held || size == held->size() ||
         (is_no_number && !CanBeIncremented(*held));
}

std::vector<KeyEvidence> EvidenceOf(const KeyCommand& command, std::span<const std::uint8_t> places,
                                    const Reply& reply) {
  std::vector<KeyEvidence> evidence;
  switch (command.kind) {
    case Kind::kGet:
      return {Shown(places[0], reply)};
    case Kind::kSet:
      if (command.IsBlind()) return {};
      return {EvidenceOfSet(command, places[0], reply)};
    case Kind::kDel:
      if (places.size() == 1) {
        const bool was_present = IsInteger(reply, 1);
        return {{.place = places[0], .is_absent = !was_present, .is_present = was_present}};
      }
      // How many there were, not which: either may matter.
      for (const std::uint8_t place : places) {
        evidence.push_back({.place = place, .is_absent = true});
        evidence.push_back({.place = place, .is_present = true});
      }
      return evidence;
    case Kind::kIncr:
      return {EvidenceOfIncr(places[0], reply)};
    case Kind::kAppend:
      return {EvidenceOfAppend(places[0], command.values[0].size(), reply)};
    case Kind::kMGet:
      for (std::size_t i = 0; i < std::min(places.size(), reply.items.size()); ++i) {
        evidence.push_back(Shown(places[i], reply.items[i]));
      }
      return evidence;
    case Kind::kMSet:
      return {};
  }
  return evidence;
}

std::optional<std::int64_t> NumberIn(std::string_view value) {
  std::int64_t number = 0;
  const auto [stopped, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || stopped != value.data() + value.size()) return std::nullopt;
  // Only as INCR would write it: no leading zeros, no "-0".
  if (std::to_string(number) != value) return std::nullopt;
  return number;
}

bool MayBecomeNumber(std::string_view value) {
  return value.find_first_not_of("-0123456789") == std::string_view::npos;
}

std::string ToString(const KeyCommand& command) {
  std::string text = NameOf(command.kind);
  for (std::size_t i = 0; i < command.keys.size(); ++i) {
    text += ' ' + Escaped(command.keys[i]);
    if (i < command.values.size()) text += fmt::format(" \"{}\"", Escaped(command.values[i]));
  }
  if (command.condition == Condition::kIfAbsent) text += " NX";
  if (command.condition == Condition::kIfPresent) text += " XX";
  if (command.returns_old) text += " GET";
  return text;
}

std::string ToString(const Reply& reply) {
  switch (reply.type) {
    case Reply::Type::kNull:
      return "nil";
    case Reply::Type::kInteger:
      return std::to_string(reply.integer);
    case Reply::Type::kSimpleString:
      return reply.text;
    case Reply::Type::kError:
      return "(error) " + reply.text;
    case Reply::Type::kArray: {
      std::string text = "[";
      for (const Reply& item : reply.items) text += (text.size() > 1 ? ", " : "") + ToString(item);
      return text + ']';
    }
    default:
      return fmt::format("\"{}\"", Escaped(reply.text));
  }
}

}  // namespace seshat
