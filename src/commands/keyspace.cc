#include "seshat/commands/keyspace.h"

#include <algorithm>
#include <utility>

#include "seshat/base/big_endian.h"
#include "seshat/base/check.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/row_digest.h"

namespace seshat {
namespace {

Slot SlotOfRow(std::string_view row_key) {
  return Slot(ReadBigEndian16(row_key));
}

std::string_view UserKeyOfRow(std::string_view row_key) {
  return row_key.substr(2);
}

}  // namespace

Keyspace::Keyspace(const StateStore& store, GroupId group, AppliedState applied)
    : store_(store), group_(group), applied_(applied) {
  SESHAT_CHECK(applied_.digest.has_value());
}

UnixMillis Keyspace::BeginEntry(UnixMillis stamp) {
  applied_.clock = std::max(applied_.clock, stamp);
  return applied_.clock;
}

Revision Keyspace::BeginCommand() {
  applied_.revision = applied_.revision.Next();
  return applied_.revision;
}

Result<Keyspace::Row*> Keyspace::Find(std::string_view key, UnixMillis now) {
  SetDataRowKey(key, row_key_);
  auto found = rows_.find(std::string_view(row_key_));
  if (found == rows_.end()) {
    Row loaded;
    if (Status status = LoadRow(row_key_, loaded); !status) {
      return std::unexpected(std::move(status).error());
    }
    if (loaded.value_.has_value()) held_bytes_ += loaded.value_->data.size();
    found = rows_.emplace(row_key_, std::move(loaded)).first;
  }
  Row& row = found->second;
  if (row.value_.has_value() && row.value_->expires_at.has_value() &&
      *row.value_->expires_at <= now) {
    Erase(row);
    ++expired_on_access_;
  }
  return &row;
}

Status Keyspace::LoadRow(std::string_view row_key, Row& row) const {
  if (cleared_) return {};
  Result<Lookup> stored = store_.Get(group_, row_key, ReadTier::kAnywhere);
  if (!stored) return std::unexpected(std::move(stored).error());
  SESHAT_CHECK(stored->outcome != Lookup::Outcome::kWouldBlock);
  if (stored->outcome == Lookup::Outcome::kNotFound) return {};
  Result<Value> value = DecodeValue(row_key, stored->value);
  if (!value) return std::unexpected(std::move(value).error());
  row.stored_ = true;
  row.stored_hash_ = HashRow(row_key, stored->value);
  row.stored_expiry_ = value->expires_at;
  row.value_ = *std::move(value);
  return {};
}

void Keyspace::Put(Row& row, Value value) {
  if (!row.value_.has_value()) ++applied_.key_count;
  held_bytes_ += value.data.size();
  row.value_ = std::move(value);
  row.value_->revision = applied_.revision;
  row.changed_ = true;
}

void Keyspace::SetExpiry(Row& row, std::optional<UnixMillis> expires_at) {
  SESHAT_CHECK(row.value_.has_value());
  row.value_->expires_at = expires_at;
  row.value_->revision = applied_.revision;
  row.changed_ = true;
}

void Keyspace::Erase(Row& row) {
  SESHAT_CHECK(row.value_.has_value() && applied_.key_count > 0);
  --applied_.key_count;
  row.value_.reset();
  row.changed_ = true;
}

void Keyspace::Clear() {
  rows_.clear();
  held_bytes_ = 0;
  cleared_ = true;
  applied_.key_count = 0;
  applied_.digest = 0;
  ++applied_.keyspace_generation;
}

KeyspaceBatch Keyspace::TakeBatch(LogIndex index, Term term) {
  applied_.index = index;
  applied_.term = term;

  KeyspaceBatch batch;
  batch.cleared = std::exchange(cleared_, false);
  if (batch.cleared) batch.writes.clear_all_but_prefix = std::string(kGroupRowPrefix);

  std::vector<StateOp> expiry_ops;
  for (const auto& [row_key, row] : rows_) {
    if (!row.changed_) continue;
    *applied_.digest -= row.stored_hash_;
    if (row.value_.has_value()) {
      std::string bytes = EncodeValue(*row.value_);
      *applied_.digest += HashRow(row_key, bytes);
      batch.writes.ops.push_back({.key = row_key, .value = std::move(bytes)});
    } else if (row.stored_) {
      batch.writes.ops.push_back({.key = row_key, .value = std::nullopt});
    }
    const std::optional<UnixMillis> expiry =
        row.value_.has_value() ? row.value_->expires_at : std::nullopt;
    if (expiry == row.stored_expiry_) continue;
    const Slot slot = SlotOfRow(row_key);
    const auto change = [&](ExpiryChange::Kind kind, UnixMillis at) {
      const bool added = kind == ExpiryChange::Kind::kAdded;
      expiry_ops.push_back(
          {.key = ExpiryRowKey(slot, at, UserKeyOfRow(row_key)),
           .value = added ? std::optional<std::string>(std::string()) : std::nullopt});
      batch.expiry_changes.push_back({.kind = kind, .slot = slot, .expires_at = at});
    };
    if (row.stored_expiry_.has_value()) change(ExpiryChange::Kind::kRemoved, *row.stored_expiry_);
    if (expiry.has_value()) change(ExpiryChange::Kind::kAdded, *expiry);
  }
  rows_.clear();
  held_bytes_ = 0;

  // The map's order is nobody's business: equal changes give equal bytes.
  std::ranges::sort(batch.writes.ops, {}, &StateOp::key);
  std::ranges::sort(expiry_ops, {}, &StateOp::key);
  std::ranges::sort(batch.expiry_changes, {}, [](const ExpiryChange& change) {
    return std::tuple(change.slot, change.expires_at, change.kind);
  });
  // All expiry rows lie above all data rows, and the group's own rows above both.
  std::ranges::move(expiry_ops, std::back_inserter(batch.writes.ops));
  batch.writes.ops.push_back(
      {.key = std::string(kAppliedRowKey), .value = EncodeAppliedState(applied_)});
  return batch;
}

}  // namespace seshat
