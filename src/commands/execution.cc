#include "seshat/commands/execution.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/validation.h"
#include "write_commands.h"

namespace seshat {
namespace {

Result<Reply> Dispatch(const WriteContext& context) {
  switch (context.spec.id) {
    case CommandId::kSet:
      return ExecuteSet(context);
    case CommandId::kMSet:
      return ExecuteMSet(context);
    case CommandId::kAppend:
      return ExecuteAppend(context);
    case CommandId::kIncr:
    case CommandId::kDecr:
    case CommandId::kIncrBy:
    case CommandId::kDecrBy:
      return ExecuteAdd(context);
    case CommandId::kDel:
      return ExecuteDel(context);
    case CommandId::kExpire:
    case CommandId::kPExpire:
      return ExecuteSetExpiry(context);
    case CommandId::kPersist:
      return ExecutePersist(context);
    case CommandId::kFlushAll:
    case CommandId::kFlushDb:
      return ExecuteFlush(context);
    default:
      CheckFailed(__FILE__, __LINE__, "spec.kind == kWrite", context.spec.full_name);
  }
}

}  // namespace

Result<Reply> ExecuteWrite(const CommandSpec& spec, Arguments arguments, Keyspace& keyspace,
                           UnixMillis entry_time, const ReplicatedLimits& limits) {
  keyspace.BeginCommand();
  if (!FitsArity(spec, arguments.size())) return WrongArity(spec.full_name);
  if (std::optional<Reply> error = ValidateCommand(spec, arguments, limits)) {
    return *std::move(error);
  }
  return Dispatch({.spec = spec,
                   .arguments = arguments,
                   .keyspace = keyspace,
                   .entry_time = entry_time,
                   .limits = limits});
}

Result<Reply> ExecuteExpire(std::span<const ExpiringKey> keys, Keyspace& keyspace,
                            UnixMillis entry_time) {
  keyspace.BeginCommand();
  std::int64_t removed = 0;
  for (const ExpiringKey& key : keys) {
    // Looked up as of the beginning of time: only what the event names may go, and by this event.
    Result<Keyspace::Row*> row = keyspace.Find(key.key, UnixMillis{0});
    if (!row) return std::unexpected(std::move(row).error());
    const Value* value = (*row)->value();
    const bool is_meant = value != nullptr && value->expires_at == key.expires_at &&
                          value->revision == key.revision && key.expires_at <= entry_time;
    if (!is_meant && (value == nullptr || !HasBug("stale-expiry-deletes"))) continue;
    keyspace.Erase(**row);
    ++removed;
  }
  return Reply::Integer(removed);
}

Result<Reply> ApplyDataCommand(std::string_view bytes, Keyspace& keyspace, UnixMillis entry_time,
                               const ReplicatedLimits& limits, DataCommand& scratch) {
  if (Status decoded = DecodeDataCommand(bytes, scratch); !decoded) {
    return std::unexpected(std::move(decoded).error());
  }
  if (scratch.kind == DataCommand::Kind::kExpire) {
    return ExecuteExpire(scratch.expiring_keys, keyspace, entry_time);
  }
  if (scratch.kind == DataCommand::Kind::kMark) return Reply::Ok();
  const CommandSpec* spec = FindCommand(scratch.arguments[0]);
  if (spec == nullptr || spec->kind != CommandKind::kWrite) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("the log holds the command \"{}\", which this node does not know "
                                 "as a write: it was written by a newer Seshat",
                                 PrintableKey(scratch.arguments[0])));
  }
  return ExecuteWrite(*spec, scratch.arguments, keyspace, entry_time, limits);
}

}  // namespace seshat
