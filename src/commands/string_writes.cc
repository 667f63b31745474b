// SET, MSET, APPEND and the commands that count.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "option_parsing.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/integer_text.h"
#include "size_limits.h"
#include "write_commands.h"

namespace seshat {
namespace {

Value NewString(std::string_view data, UnixMillis now) {
  return {.data = std::string(data), .created_at = now};
}

// Stores a value, or nothing where its expiry has passed already.
void Store(Keyspace& keyspace, Keyspace::Row& row, Value value, UnixMillis now) {
  if (!value.expires_at.has_value() || *value.expires_at > now) {
    keyspace.Put(row, std::move(value));
  } else if (row.value() != nullptr) {
    keyspace.Erase(row);
  }
}

// What INCR and its kin add. Pre: validated.
std::int64_t Increment(const WriteContext& context) {
  switch (context.spec.id) {
    case CommandId::kIncr:
      return 1;
    case CommandId::kDecr:
      return -1;
    case CommandId::kIncrBy:
      return ParseInteger(context.arguments[2]).value();
    default:
      return -ParseInteger(context.arguments[2]).value();
  }
}

bool Overflows(std::int64_t value, std::int64_t increment) {
  using Limits = std::numeric_limits<std::int64_t>;
  return (increment < 0 && value < Limits::min() - increment) ||
         (increment > 0 && value > Limits::max() - increment);
}

}  // namespace

Result<Reply> ExecuteSet(const WriteContext& context) {
  const auto options = ParseSetOptions(context.arguments);
  SESHAT_CHECK(options.has_value());
  std::optional<UnixMillis> expires_at;
  if (options->expiry.has_value()) {
    expires_at = options->expiry->At(context.entry_time);
    if (!expires_at.has_value()) return InvalidExpireTime(context.spec.full_name);
  }

  Result<Keyspace::Row*> row = context.keyspace.Find(context.arguments[1], context.entry_time);
  if (!row) return std::unexpected(std::move(row).error());
  const Value* old = (*row)->value();
  Reply reply = options->get ? Reply::Null() : Reply::Ok();
  if (options->get && old != nullptr) {
    if (old->type != ValueType::kString) return WrongType();
    reply = Reply::Bulk(old->data);
  }
  using Condition = SetOptions::Condition;
  if ((options->condition == Condition::kIfAbsent && old != nullptr && !HasBug("nx-overwrites")) ||
      (options->condition == Condition::kIfPresent && old == nullptr)) {
    return options->get ? std::move(reply) : Reply::Null();
  }

  if (options->keep_ttl && old != nullptr) expires_at = old->expires_at;
  Value value = NewString(context.arguments[2], context.entry_time);
  value.expires_at = expires_at;
  Store(context.keyspace, **row, std::move(value), context.entry_time);
  return reply;
}

Result<Reply> ExecuteMSet(const WriteContext& context) {
  for (std::size_t i = 1; i + 1 < context.arguments.size(); i += 2) {
    Result<Keyspace::Row*> row = context.keyspace.Find(context.arguments[i], context.entry_time);
    if (!row) return std::unexpected(std::move(row).error());
    context.keyspace.Put(**row, NewString(context.arguments[i + 1], context.entry_time));
  }
  return Reply::Ok();
}

Result<Reply> ExecuteAppend(const WriteContext& context) {
  Result<Keyspace::Row*> row = context.keyspace.Find(context.arguments[1], context.entry_time);
  if (!row) return std::unexpected(std::move(row).error());
  const Value* old = (*row)->value();
  if (old != nullptr && old->type != ValueType::kString) return WrongType();
  const std::string_view addition = context.arguments[2];
  const std::size_t size = (old == nullptr ? 0 : old->data.size()) + addition.size();
  if (size > context.limits.value_bytes_max) {
    return ValueTooLarge(size, context.limits.value_bytes_max);
  }

  Value value = old == nullptr ? NewString("", context.entry_time) : *old;
  value.data.append(addition);
  context.keyspace.Put(**row, std::move(value));
  return Reply::Integer(static_cast<std::int64_t>(size));
}

Result<Reply> ExecuteAdd(const WriteContext& context) {
  const std::int64_t increment = Increment(context);
  Result<Keyspace::Row*> row = context.keyspace.Find(context.arguments[1], context.entry_time);
  if (!row) return std::unexpected(std::move(row).error());
  const Value* old = (*row)->value();
  if (old != nullptr && old->type != ValueType::kString) return WrongType();
  const std::optional<std::int64_t> number = old == nullptr ? 0 : ParseInteger(old->data);
  if (!number.has_value()) return NotAnInteger();
  if (Overflows(*number, increment)) {
    return Reply::Error("ERR increment or decrement would overflow");
  }

  const std::int64_t sum = *number + increment;
  Value value = NewString(std::to_string(sum), context.entry_time);
  if (old != nullptr) {
    value.created_at = old->created_at;
    value.expires_at = old->expires_at;
  }
  context.keyspace.Put(**row, std::move(value));
  return Reply::Integer(sum);
}

}  // namespace seshat
