#include "seshat/storage/directory_reader.h"

#include <fmt/core.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "bounded_file.h"
#include "directory_lock.h"
#include "log_key.h"
#include "log_start_row.h"
#include "manifest_check.h"
#include "posix_file.h"
#include "read_only_database.h"
#include "rocks_options.h"
#include "rocks_snapshot.h"
#include "rocks_status.h"
#include "row_keys.h"
#include "snapshot_folder.h"
#include "snapshot_metadata.h"
#include "state_reads.h"
#include "wal_check.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockCacheBytes = std::size_t{64} << 20;

bool Exists(const fs::path& path) {
  std::error_code unknown;
  return fs::exists(path, unknown);
}

StorageOptions OptionsFor(const fs::path& data_dir) {
  StorageOptions options;
  options.data_dir = data_dir;
  options.block_cache_bytes = kBlockCacheBytes;
  return options;
}

void Note(const Result<std::optional<TornTail>>& torn, DirectoryFindings& findings) {
  if (!torn) {
    findings.damage.push_back(torn.error().message());
  } else if (torn->has_value()) {
    const TornTail& tail = **torn;
    findings.notes.push_back(fmt::format(
        "{} is torn from offset {} on, {} bytes that had never been synced ({}): the next start "
        "cuts them off",
        tail.file.string(), tail.offset, tail.bytes_dropped, tail.damage));
  }
}

}  // namespace

class DirectoryReader::Impl {
 public:
  Impl(const fs::path& dir, DirectoryLock taken)
      : data_dir(dir), lock(std::move(taken)), options(OptionsFor(dir)) {}

  fs::path rocksdb_dir() const { return data_dir / "rocksdb"; }
  fs::path snapshots_dir() const { return data_dir / "snapshots"; }
  std::string FamilyOf(GroupId group, FamilyKind kind) const {
    return fmt::format("{}, family {}", rocksdb_dir().string(),
                       database->handle(group, kind)->GetName());
  }
  Result<std::optional<std::string>> StateRow(GroupId group, std::string_view key) const;
  Result<LogIndex> LastIndex(GroupId group, LogIndex first) const;

  const fs::path data_dir;
  const DirectoryLock lock;
  const RocksOptions options;
  std::unique_ptr<rocksdb::Env> bounded_env;   // of the database, when its manifest is torn
  std::unique_ptr<ReadOnlyDatabase> database;  // null until it is open
};

Result<std::optional<std::string>> DirectoryReader::Impl::StateRow(GroupId group,
                                                                   std::string_view key) const {
  std::string value;
  const rocksdb::Status status = database->rocks().Get(
      rocksdb::ReadOptions(), database->handle(group, FamilyKind::kState), key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (status.ok()) return value;
  return std::unexpected(
      ErrorFrom(status, fmt::format("{}, row {}", FamilyOf(group, FamilyKind::kState), key)));
}

Result<LogIndex> DirectoryReader::Impl::LastIndex(GroupId group, LogIndex first) const {
  const std::unique_ptr<rocksdb::Iterator> it(
      database->rocks().NewIterator(IterationOptions(), database->handle(group, FamilyKind::kLog)));
  it->SeekToLast();
  const std::string family = FamilyOf(group, FamilyKind::kLog);
  if (!it->status().ok()) return std::unexpected(ErrorFrom(it->status(), family));
  const LogIndex empty(first.value() - 1);
  if (!it->Valid()) return empty;
  const std::optional<LogIndex> last = LogKey::Parse(it->key().ToStringView());
  if (!last) {
    return MakeError(ErrorCode::kCorruption, family + ": its last key is no log record's");
  }
  return std::max(*last, empty);
}

DirectoryReader::DirectoryReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DirectoryReader::~DirectoryReader() = default;

Result<std::unique_ptr<DirectoryReader>> DirectoryReader::Open(const fs::path& data_dir) {
  if (!Exists(data_dir / "IDENTITY") && !Exists(data_dir / "rocksdb")) {
    return MakeError(ErrorCode::kNotFound,
                     fmt::format("{} is not a node's data directory: it holds neither IDENTITY nor "
                                 "rocksdb",
                                 data_dir.string()));
  }
  Result<DirectoryLock> lock = DirectoryLock::Share(data_dir);
  if (!lock) return std::unexpected(lock.error());
  return std::unique_ptr<DirectoryReader>(
      new DirectoryReader(std::make_unique<Impl>(data_dir, *std::move(lock))));
}

void DirectoryReader::CheckLogFiles(DirectoryFindings& findings) const {
  if (!Exists(impl_->rocksdb_dir())) return;
  const Result<std::optional<TornTail>> manifest = FindTornManifest(impl_->rocksdb_dir());
  Note(manifest, findings);
  // The check of the log asks the manifest, as a start does once it is whole.
  if (manifest && !manifest->has_value()) Note(FindTornWal(impl_->rocksdb_dir()), findings);
}

bool DirectoryReader::OpenDatabase(DirectoryFindings& findings) {
  if (!Exists(impl_->rocksdb_dir() / "CURRENT")) return false;
  RocksOptions options = impl_->options;
  // RocksDB would stop at a tail that the next start cuts off.
  const Result<std::optional<TornTail>> torn = FindTornManifest(impl_->rocksdb_dir());
  if (torn && torn->has_value()) {
    impl_->bounded_env = MakeBoundedEnv(options.db().env, (*torn)->file, (*torn)->offset);
    options.db().env = impl_->bounded_env.get();
  }
  Result<std::unique_ptr<ReadOnlyDatabase>> opened =
      ReadOnlyDatabase::Open(options, impl_->rocksdb_dir(), findings);
  if (!opened) {
    findings.damage.push_back(opened.error().message());
    return false;
  }
  impl_->database = *std::move(opened);
  return true;
}

void DirectoryReader::CheckTables(DirectoryFindings& findings) const {
  if (impl_->database == nullptr) {
    if (Exists(impl_->rocksdb_dir())) {
      CheckTablesIn(impl_->options, impl_->rocksdb_dir(), findings);
    }
    return;
  }
  std::vector<fs::path> tables;
  std::vector<rocksdb::LiveFileMetaData> live;
  impl_->database->rocks().GetLiveFilesMetaData(&live);
  for (const rocksdb::LiveFileMetaData& file : live) {
    tables.push_back(fs::path(file.directory) / file.relative_filename);
  }
  std::ranges::sort(tables);
  for (const fs::path& table : tables) {
    const Status whole = CheckTable(impl_->options, table);
    if (!whole) findings.damage.push_back(whole.error().message());
  }
}

std::vector<GroupGenerations> DirectoryReader::Groups() const {
  std::vector<GroupGenerations> groups;
  if (impl_->database == nullptr) return groups;
  for (const auto& [group, families] : impl_->database->groups()) {
    const auto generation = [&families](FamilyKind kind) {
      return families[static_cast<std::size_t>(kind)].generation;
    };
    groups.push_back({.group = group,
                      .log = generation(FamilyKind::kLog),
                      .state = generation(FamilyKind::kState),
                      .kv = generation(FamilyKind::kKv)});
  }
  return groups;
}

Result<LogContents> DirectoryReader::Load(GroupId group) const {
  LogContents contents;
  Result<std::optional<std::string>> row = impl_->StateRow(group, kStateRow);
  if (!row) return std::unexpected(row.error());
  contents.state_row = *std::move(row);
  row = impl_->StateRow(group, kSnapshotRow);
  if (!row) return std::unexpected(row.error());
  contents.snapshot_row = *std::move(row);
  row = impl_->StateRow(group, kLogStartRow);
  if (!row) return std::unexpected(row.error());
  const std::string family = impl_->FamilyOf(group, FamilyKind::kState);
  if (!row->has_value()) {
    return MakeError(ErrorCode::kCorruption, family + ": the row log_start is missing");
  }
  const Result<LogIndex> first = DecodeLogStart(**row);
  if (!first) return MakeError(first.error().code(), family + ": " + first.error().message());
  contents.first_index = *first;
  const Result<LogIndex> last = impl_->LastIndex(group, *first);
  if (!last) return std::unexpected(last.error());
  contents.last_index = *last;
  return contents;
}

Status DirectoryReader::ScanLog(
    GroupId group, const std::function<void(LogIndex, std::string_view)>& visit) const {
  rocksdb::ReadOptions options = IterationOptions();
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(impl_->database->rocks().NewIterator(
      options, impl_->database->handle(group, FamilyKind::kLog)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::optional<LogIndex> index = LogKey::Parse(it->key().ToStringView());
    if (!index) {
      return MakeError(ErrorCode::kCorruption,
                       impl_->FamilyOf(group, FamilyKind::kLog) + ": a key is no log record's");
    }
    visit(*index, it->value().ToStringView());
  }
  if (it->status().ok()) return {};
  return std::unexpected(ErrorFrom(it->status(), impl_->FamilyOf(group, FamilyKind::kLog)));
}

std::unique_ptr<StateView> DirectoryReader::View(GroupId group) const {
  return std::make_unique<UnchangingView>(StateReads(
      nullptr, impl_->database->rocks(), impl_->database->handle(group, FamilyKind::kKv)));
}

std::vector<std::shared_ptr<const Snapshot>> DirectoryReader::Snapshots(
    DirectoryFindings& findings) const {
  std::vector<std::shared_ptr<const Snapshot>> snapshots;
  if (!Exists(impl_->snapshots_dir())) return snapshots;  // of a release before them
  Result<std::vector<KeptFolder>> kept = ListKeptSnapshots(impl_->snapshots_dir(), findings.damage);
  if (!kept) {
    findings.damage.push_back(kept.error().message());
    return snapshots;
  }
  for (KeptFolder& folder : *kept) {
    snapshots.push_back(std::make_shared<RocksSnapshot>(
        impl_->options, nullptr,
        std::make_shared<SnapshotFolder>(std::move(folder.path), /*is_kept=*/true),
        std::move(folder.metadata)));
  }
  std::ranges::reverse(snapshots);
  return snapshots;
}

void DirectoryReader::CheckTablesOf(const Snapshot& snapshot, DirectoryFindings& findings) const {
  CheckTablesIn(impl_->options, impl_->snapshots_dir() / snapshot.name(), findings);
}

}  // namespace seshat
