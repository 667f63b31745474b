// DEL, EXPIRE, PEXPIRE, PERSIST, FLUSHALL and FLUSHDB.
#include <cstdint>
#include <optional>
#include <utility>

#include "option_parsing.h"
#include "seshat/base/check.h"
#include "seshat/commands/error_replies.h"
#include "write_commands.h"

namespace seshat {
namespace {

// Whether the options let `expiry` take the place of `current`. A key without expiry counts as
// one that lives for ever.
bool MayReplace(const ExpireOptions& options, std::optional<UnixMillis> current,
                UnixMillis expiry) {
  if (options.if_persistent && current.has_value()) return false;
  if (options.if_volatile && !current.has_value()) return false;
  if (options.if_later && (!current.has_value() || expiry <= *current)) return false;
  if (options.if_earlier && current.has_value() && expiry >= *current) return false;
  return true;
}

}  // namespace

Result<Reply> ExecuteDel(const WriteContext& context) {
  std::int64_t removed = 0;
  for (std::string_view key : context.arguments.subspan(1)) {
    Result<Keyspace::Row*> row = context.keyspace.Find(key, context.entry_time);
    if (!row) return std::unexpected(std::move(row).error());
    if ((*row)->value() == nullptr) continue;
    context.keyspace.Erase(**row);
    ++removed;
  }
  return Reply::Integer(removed);
}

Result<Reply> ExecuteSetExpiry(const WriteContext& context) {
  const auto options = ParseExpireOptions(context.spec, context.arguments);
  SESHAT_CHECK(options.has_value());
  const std::optional<UnixMillis> expires_at = options->expiry.At(context.entry_time);
  if (!expires_at.has_value()) return InvalidExpireTime(context.spec.full_name);

  Result<Keyspace::Row*> row = context.keyspace.Find(context.arguments[1], context.entry_time);
  if (!row) return std::unexpected(std::move(row).error());
  const Value* value = (*row)->value();
  if (value == nullptr || !MayReplace(*options, value->expires_at, *expires_at)) {
    return Reply::Integer(0);
  }
  if (*expires_at <= context.entry_time) {
    context.keyspace.Erase(**row);
  } else {
    context.keyspace.SetExpiry(**row, expires_at);
  }
  return Reply::Integer(1);
}

Result<Reply> ExecutePersist(const WriteContext& context) {
  Result<Keyspace::Row*> row = context.keyspace.Find(context.arguments[1], context.entry_time);
  if (!row) return std::unexpected(std::move(row).error());
  const Value* value = (*row)->value();
  if (value == nullptr || !value->expires_at.has_value()) return Reply::Integer(0);
  context.keyspace.SetExpiry(**row, std::nullopt);
  return Reply::Integer(1);
}

Result<Reply> ExecuteFlush(const WriteContext& context) {
  context.keyspace.Clear();
  return Reply::Ok();
}

}  // namespace seshat
