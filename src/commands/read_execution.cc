#include "seshat/commands/read_execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "seshat/base/check.h"
#include "seshat/commands/applied_state.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/stored_value.h"

namespace seshat {
namespace {

ReadOutcome Answer(Reply reply) {
  return {.reply = std::move(reply)};
}

ReadOutcome WouldBlock() {
  return {.kind = ReadOutcome::Kind::kWouldBlock};
}

// One key as a read found it.
struct FoundKey {
  std::optional<ReadOutcome> stop;  // the read cannot go on: it would block or the key is due
  std::string bytes;
  std::optional<ValueView> value;  // into `bytes`; empty: no such key
};

// Fills `found`, which must stay where it is: its view points into itself.
Status FindKey(std::string_view key, const KeyspaceReader& reader, UnixMillis read_time,
               FoundKey& found) {
  const std::string row_key = DataRowKey(key);
  Result<Lookup> row = reader.Get(row_key);
  if (!row) return std::unexpected(std::move(row).error());
  if (row->outcome == Lookup::Outcome::kNotFound) return {};
  if (row->outcome == Lookup::Outcome::kWouldBlock) {
    found.stop = WouldBlock();
    return {};
  }
  found.bytes = std::move(row->value);
  Result<ValueView> value = DecodeValueView(row_key, found.bytes);
  if (!value) return std::unexpected(std::move(value).error());
  if (value->IsDue(read_time)) {
    found.stop = ReadOutcome{.kind = ReadOutcome::Kind::kKeyDue,
                             .reply = {},
                             .due_key = std::string(key),
                             .due_at = *value->expires_at,
                             .due_revision = value->revision};
    return {};
  }
  found.value = *value;
  return {};
}

Reply TimeLeft(const std::optional<ValueView>& value, UnixMillis read_time, bool in_seconds) {
  if (!value.has_value()) return Reply::Integer(-2);
  if (!value->expires_at.has_value()) return Reply::Integer(-1);
  const std::int64_t left_ms = value->expires_at->value - read_time.value;
  // Divided before rounding, because an expiry may be near the end of time.
  return Reply::Integer(in_seconds ? left_ms / 1000 + (left_ms % 1000 >= 500 ? 1 : 0) : left_ms);
}

Reply ReplyOfOne(CommandId id, const std::optional<ValueView>& value, UnixMillis read_time) {
  switch (id) {
    case CommandId::kGet:
      if (!value.has_value()) return Reply::Null();
      if (value->type != ValueType::kString) return WrongType();
      return Reply::Bulk(std::string(value->data));
    case CommandId::kStrLen:
      if (!value.has_value()) return Reply::Integer(0);
      if (value->type != ValueType::kString) return WrongType();
      return Reply::Integer(static_cast<std::int64_t>(value->data.size()));
    case CommandId::kTtl:
      return TimeLeft(value, read_time, true);
    case CommandId::kPTtl:
      return TimeLeft(value, read_time, false);
    case CommandId::kType:
      return Reply::Simple(value.has_value() ? "string" : "none");
    case CommandId::kExists:
      return Reply::Integer(value.has_value() ? 1 : 0);
    case CommandId::kMGet:
      if (!value.has_value() || value->type != ValueType::kString) return Reply::Null();
      return Reply::Bulk(std::string(value->data));
    default:
      CheckFailed(__FILE__, __LINE__, "spec.kind == kRead", "");
  }
}

Reply ReplyTooLong(std::size_t bytes_max) {
  return Reply::Error(fmt::format(
      "ERR the reply would have more than {} bytes (limits.client_output_hard_bytes_max)",
      bytes_max));
}

Result<ReadOutcome> ReadKeys(CommandId id, Arguments keys, const KeyspaceReader& reader,
                             UnixMillis read_time, std::size_t reply_bytes_max) {
  std::size_t bytes = 0;
  std::vector<Reply> replies;
  replies.reserve(keys.size());
  for (std::string_view key : keys) {
    FoundKey found;
    if (Status status = FindKey(key, reader, read_time, found); !status) {
      return std::unexpected(std::move(status).error());
    }
    if (found.stop.has_value()) return *std::move(found.stop);
    replies.push_back(ReplyOfOne(id, found.value, read_time));
    bytes += replies.back().text.size();
    if (bytes > reply_bytes_max) return Answer(ReplyTooLong(reply_bytes_max));
  }
  if (id == CommandId::kMGet) return Answer(Reply::Array(std::move(replies)));
  if (id != CommandId::kExists) return Answer(std::move(replies.front()));
  const auto existing = std::ranges::count(replies, std::int64_t{1}, &Reply::integer);
  return Answer(Reply::Integer(existing));
}

Result<ReadOutcome> ReadKeyCount(const KeyspaceReader& reader) {
  Result<Lookup> row = reader.Get(kAppliedRowKey);
  if (!row) return std::unexpected(std::move(row).error());
  if (row->outcome == Lookup::Outcome::kWouldBlock) return WouldBlock();
  if (row->outcome == Lookup::Outcome::kNotFound) return Answer(Reply::Integer(0));
  Result<AppliedState> applied = DecodeAppliedState(row->value);
  if (!applied) return std::unexpected(std::move(applied).error());
  return Answer(Reply::Integer(static_cast<std::int64_t>(applied->key_count)));
}

}  // namespace

Result<Lookup> KeyspaceReader::Get(std::string_view row_key) const {
  if (view_ != nullptr) return view_->Get(row_key, tier_);
  return store_->Get(group_, row_key, tier_);
}

Result<KeyspaceReader> KeyspaceReader::Pinned() const {
  if (view_ != nullptr) return *this;
  Result<std::unique_ptr<StateView>> view = store_->View(group_);
  if (!view) return std::unexpected(std::move(view).error());
  KeyspaceReader pinned(**view, tier_);
  pinned.owned_view_ = *std::move(view);
  return pinned;
}

Result<ReadOutcome> ExecuteRead(const CommandSpec& spec, Arguments arguments,
                                const KeyspaceReader& reader, UnixMillis read_time,
                                std::size_t reply_bytes_max) {
  if (spec.id == CommandId::kDbSize) return ReadKeyCount(reader);
  const Arguments keys = arguments.subspan(1);
  if (keys.size() == 1) return ReadKeys(spec.id, keys, reader, read_time, reply_bytes_max);
  Result<KeyspaceReader> pinned = reader.Pinned();
  if (!pinned) return std::unexpected(std::move(pinned).error());
  return ReadKeys(spec.id, keys, *pinned, read_time, reply_bytes_max);
}

}  // namespace seshat
