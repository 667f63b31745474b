#include "rocks_log_store.h"

#include <fmt/core.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <optional>
#include <utility>

#include "log_key.h"
#include "row_keys.h"
#include "seshat/base/check.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr std::uint32_t kLogStartVersion = 1;

std::unexpected<Error> UnknownGroup(GroupId group) {
  return MakeError(ErrorCode::kNotFound, fmt::format("no group {} here", group.value()));
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
    writer_.AddGroup(group, *first, last->Next());
  }
  return {};
}

Status RocksLogStore::CreateGroup(GroupId group, std::string snapshot_row) {
  const MutexLock lock(create_mutex_);
  Result<std::shared_ptr<const GroupFamilies>> families = database_.MakeGroup(group);
  if (!families) return std::unexpected(families.error());
  v1::LogStart start;
  start.set_version(kLogStartVersion);
  start.set_first_index(1);

  rocksdb::WriteBatch batch;
  rocksdb::ColumnFamilyHandle* const state = (*families)->handle(FamilyKind::kState);
  SESHAT_CHECK(batch.Put(state, kSnapshotRow, snapshot_row).ok());
  SESHAT_CHECK(batch.Put(state, kLogStartRow, start.SerializeAsString()).ok());
  for (const FamilyKind kind : kFamilyKinds) database_.AddMapRow(**families, kind, batch);
  if (!database_.Write(batch, "cannot create a group") || !database_.Sync()) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot create group {}", group.value()));
  }
  writer_.RecordSync();
  writer_.AddGroup(group, LogIndex(1), LogIndex(1));
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
  v1::LogStart start;
  if (!start.ParseFromString(**row) || start.version() == 0 || start.first_index() == 0) {
    return Corrupt(families, "the row log_start does not decode");
  }
  if (start.version() > kLogStartVersion) {
    return Corrupt(families, fmt::format("the row log_start has version {}, newer than {}, the "
                                         "newest that this version of Seshat reads",
                                         start.version(), kLogStartVersion));
  }
  return LogIndex(start.first_index());
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
  if (records.empty()) {
    return MakeError(ErrorCode::kNotFound, fmt::format("record {} is not in the log of group {}",
                                                       first.value(), group.value()));
  }
  return records;
}

}  // namespace seshat
