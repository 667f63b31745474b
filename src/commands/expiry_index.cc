#include "seshat/commands/expiry_index.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "seshat/commands/key_layout.h"
#include "seshat/commands/stored_value.h"

namespace seshat {
namespace {

// Finds the revision that an index row's key has now.
Result<DueKey> Complete(const StateView& view, std::string key, UnixMillis expires_at) {
  const std::string row_key = DataRowKey(key);
  Result<Lookup> row = view.Get(row_key, ReadTier::kAnywhere);
  if (!row) return std::unexpected(std::move(row).error());
  if (row->outcome != Lookup::Outcome::kFound) {
    return MakeError(
        ErrorCode::kCorruption,
        fmt::format("the expiry index names \"{}\", which does not exist", PrintableKey(key)));
  }
  Result<ValueView> value = DecodeValueView(row_key, row->value);
  if (!value) return std::unexpected(std::move(value).error());
  if (value->expires_at != expires_at) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("the expiry index has another time for \"{}\" than its value",
                                 PrintableKey(key)));
  }
  return DueKey{.key = std::move(key), .expires_at = expires_at, .revision = value->revision};
}

}  // namespace

Result<std::vector<SlotExpiry>> EarliestExpiries(const StateView& view) {
  std::vector<SlotExpiry> earliest;
  std::string begin = ExpiryRowsBegin(Slot(0));
  while (true) {
    // One row a scan: the rest of its slot is skipped by seeking to the next.
    std::optional<Result<ExpiryRow>> row;
    const Status scanned =
        view.Scan(begin, kExpiryRowsEnd, [&](std::string_view key, std::string_view /*value*/) {
          row = ParseExpiryRowKey(key);
          return false;
        });
    if (!scanned) return std::unexpected(scanned.error());
    if (!row.has_value()) return earliest;
    if (!*row) return std::unexpected(std::move(*row).error());
    earliest.push_back({.slot = (*row)->slot, .earliest = (*row)->expires_at});
    begin = ExpiryRowsEnd((*row)->slot);
  }
}

Result<DueKeys> CollectDueKeys(const StateView& view, Slot slot, UnixMillis now,
                               std::size_t keys_max) {
  DueKeys due;
  std::vector<std::pair<std::string, UnixMillis>> found;
  Status parsed;
  const Status scanned = view.Scan(ExpiryRowsBegin(slot), ExpiryRowsEnd(slot),
                                   [&](std::string_view key, std::string_view /*value*/) {
                                     const Result<ExpiryRow> row = ParseExpiryRowKey(key);
                                     if (!row) {
                                       parsed = std::unexpected(row.error());
                                       return false;
                                     }
                                     if (row->expires_at > now || found.size() == keys_max) {
                                       due.next = row->expires_at;
                                       return false;
                                     }
                                     found.emplace_back(row->user_key, row->expires_at);
                                     return true;
                                   });
  if (!scanned) return std::unexpected(scanned.error());
  if (!parsed) return std::unexpected(std::move(parsed).error());
  due.keys.reserve(found.size());
  for (auto& [key, expires_at] : found) {
    Result<DueKey> complete = Complete(view, std::move(key), expires_at);
    if (!complete) return std::unexpected(std::move(complete).error());
    due.keys.push_back(*std::move(complete));
  }
  return due;
}

}  // namespace seshat
