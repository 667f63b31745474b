#include "rocks_log_store.h"

#include <fmt/core.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "log_key.h"
#include "log_start_row.h"
#include "row_keys.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::uint64_t kRemovedInABatch = 1000;

std::unexpected<Error> UnknownGroup(GroupId group) {
  return MakeError(ErrorCode::kNotFound, fmt::format("no group {} here", group.value()));
}

std::unexpected<Error> NotInLog(GroupId group, LogIndex index) {
  return MakeError(ErrorCode::kNotFound, fmt::format("record {} is not in the log of group {}",
                                                     index.value(), group.value()));
}

rocksdb::ReadOptions LogReadOptions() {
  rocksdb::ReadOptions options = IterationOptions();
  options.fill_cache = false;  // a follower that catches up must not push out clients' data
  return options;
}

}  // namespace

std::unexpected<Error> RocksLogStore::Corrupt(const GroupFamilies& families,
                                              std::string_view what) const {
  return MakeError(
      ErrorCode::kCorruption,
      fmt::format("{}, family {}: {}", database_.path().string(),
                  FamilyName({.group = families.group, .kind = FamilyKind::kLog}), what));
}

Status RocksLogStore::AddGroupsToWriter() {
  for (const GroupId group : database_.Groups()) {
    const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
    Result<LogIndex> first = ReadFirstIndex(*families);
    if (!first) return std::unexpected(first.error());
    Result<LogIndex> last = ReadLastIndex(*families, *first);
    if (!last) return std::unexpected(last.error());
    writer_.AddGroup(*families, *first, last->Next());
  }
  return {};
}

Status RocksLogStore::CreateGroup(GroupId group, std::string snapshot_row) {
  const MutexLock lock(create_mutex_);
  Result<std::shared_ptr<const GroupFamilies>> families = database_.MakeGroup(group);
  if (!families) return std::unexpected(families.error());
  rocksdb::WriteBatch batch;
  rocksdb::ColumnFamilyHandle* const state = (*families)->handle(FamilyKind::kState);
  SESHAT_CHECK(batch.Put(state, kSnapshotRow, snapshot_row).ok());
  SESHAT_CHECK(batch.Put(state, kLogStartRow, EncodeLogStart(LogIndex(1))).ok());
  for (const FamilyKind kind : kFamilyKinds) database_.AddMapRow(**families, kind, batch);
  const MutexLock changes(database_.family_changes());
  if (!database_.Write(batch, "cannot create a group") || !database_.Sync()) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot create group {}", group.value()));
  }
  writer_.RecordSync();
  writer_.AddGroup(**families, LogIndex(1), LogIndex(1));
  database_.Publish(*std::move(families));
  return {};
}

Result<LogContents> RocksLogStore::Load(GroupId group) {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  if (families == nullptr) return UnknownGroup(group);
  rocksdb::ColumnFamilyHandle* const state = families->handle(FamilyKind::kState);
  LogContents contents;
  Result<std::optional<std::string>> row = database_.ReadRow(state, kStateRow);
  if (!row) return std::unexpected(row.error());
  contents.state_row = *std::move(row);
  row = database_.ReadRow(state, kSnapshotRow);
  if (!row) return std::unexpected(row.error());
  contents.snapshot_row = *std::move(row);

  Result<LogIndex> first = ReadFirstIndex(*families);
  if (!first) return std::unexpected(first.error());
  Result<LogIndex> last = ReadLastIndex(*families, *first);
  if (!last) return std::unexpected(last.error());
  if (Status whole = CheckContiguous(*families, *first, *last); !whole) {
    return std::unexpected(whole.error());
  }
  contents.first_index = *first;
  contents.last_index = *last;
  return contents;
}

Result<LogIndex> RocksLogStore::ReadFirstIndex(const GroupFamilies& families) {
  Result<std::optional<std::string>> row =
      database_.ReadRow(families.handle(FamilyKind::kState), kLogStartRow);
  if (!row) return std::unexpected(row.error());
  if (!row->has_value()) return Corrupt(families, "the row log_start is missing");
  Result<LogIndex> first = DecodeLogStart(**row);
  if (!first) return Corrupt(families, first.error().message());
  return first;
}

Result<LogIndex> RocksLogStore::ReadLastIndex(const GroupFamilies& families, LogIndex first) {
  const std::unique_ptr<rocksdb::Iterator> it(
      database_.rocks().NewIterator(LogReadOptions(), families.handle(FamilyKind::kLog)));
  it->SeekToLast();
  if (!it->status().ok()) return database_.ReadFailed(it->status(), "cannot read a log's end");
  if (!it->Valid()) return first.Previous();
  const std::optional<LogIndex> last = LogKey::Parse(it->key().ToStringView());
  if (!last) return Corrupt(families, "a key that is no log index");
  return std::max(*last, first.Previous());
}

Status RocksLogStore::CheckContiguous(const GroupFamilies& families, LogIndex first,
                                      LogIndex last) {
  const std::unique_ptr<rocksdb::Iterator> it(
      database_.rocks().NewIterator(LogReadOptions(), families.handle(FamilyKind::kLog)));
  LogIndex expected = first;
  for (it->Seek(LogKey(first).view()); it->Valid(); it->Next(), expected = expected.Next()) {
    if (LogKey::Parse(it->key().ToStringView()) == expected) continue;
    return Corrupt(families, fmt::format("record {} is missing", expected.value()));
  }
  if (!it->status().ok()) return database_.ReadFailed(it->status(), "cannot read a log");
  if (expected != last.Next()) {
    return Corrupt(families, fmt::format("record {} is missing", expected.value()));
  }
  return {};
}

Result<std::vector<LogRecord>> RocksLogStore::Read(GroupId group, LogIndex first, LogIndex end,
                                                   std::size_t bytes_max) {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  if (families == nullptr) return UnknownGroup(group);
  // Those before the start may still be there, and are no part of the log any more.
  if (first < writer_.DurableStartOf(group).first_index) return NotInLog(group, first);
  const LogKey end_key(end);
  const rocksdb::Slice upper_bound(end_key.view());
  rocksdb::ReadOptions options = LogReadOptions();
  options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_.rocks().NewIterator(options, families->handle(FamilyKind::kLog)));

  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  LogIndex expected = first;
  for (it->Seek(LogKey(first).view()); it->Valid(); it->Next(), expected = expected.Next()) {
    if (LogKey::Parse(it->key().ToStringView()) != expected) {
      if (records.empty()) break;
      return Corrupt(*families, fmt::format("record {} is missing", expected.value()));
    }
    bytes += it->value().size();
    if (!records.empty() && bytes > bytes_max) break;
    records.push_back(LogRecord{.index = expected, .value = it->value().ToString()});
  }
  if (!it->status().ok()) return database_.ReadFailed(it->status(), "cannot read a log");
  if (records.empty()) return NotInLog(group, first);
  return records;
}

void RocksLogStore::RemoveCompacted(GroupId group) {
  const std::shared_ptr<const GroupFamilies> families = database_.Find(group);
  SESHAT_CHECK_MSG(families != nullptr, "an unknown group's log is cleared");
  const Family& log = *families->family(FamilyKind::kLog);
  const LogWriter::DurableStart start = writer_.DurableStartOf(group);
  // An installation is replacing the log: the new one has nothing to remove.
  if (start.generation != log.generation()) return;

  const MutexLock lock(cleared_mutex_);
  Cleared& cleared = cleared_[group];
  if (cleared.end == LogIndex(0) || cleared.generation != log.generation()) {
    const std::unique_ptr<rocksdb::Iterator> it(
        database_.rocks().NewIterator(LogReadOptions(), log.handle()));
    it->SeekToFirst();
    if (!it->status().ok()) {
      static_cast<void>(database_.ReadFailed(it->status(), "cannot read a log's beginning"));
      return;
    }
    const std::optional<LogIndex> oldest =
        it->Valid() ? LogKey::Parse(it->key().ToStringView()) : std::nullopt;
    cleared = {.generation = log.generation(), .end = oldest.value_or(start.first_index)};
  }
  if (cleared.end >= start.first_index) return;
  if (RemoveRecords(log, cleared.end, start.first_index)) cleared.end = start.first_index;
}

bool RocksLogStore::RemoveRecords(const Family& log, LogIndex first, LogIndex end) {
  // Meanwhile an installation may drop the family, and that is no reason to stop.
  rocksdb::WriteOptions options;
  options.ignore_missing_column_families = true;
  while (first < end) {
    const LogIndex batch_end(std::min(end.value(), first.value() + kRemovedInABatch));
    rocksdb::WriteBatch batch;
    for (; first < batch_end; first = first.Next()) {
      SESHAT_CHECK(batch.Delete(log.handle(), LogKey(first).view()).ok());
    }
    if (!database_.Write(batch, "cannot remove log records", options)) return false;
  }
  return true;
}

}  // namespace seshat
