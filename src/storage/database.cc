#include "database.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "background_error_listener.h"
#include "rocks_status.h"
#include "seshat/base/check.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr std::string_view kMapPrefix = "family:";
constexpr std::uint32_t kMapVersion = 1;

Result<std::uint64_t> DecodeMapRow(std::string_view path, std::string_view name,
                                   const rocksdb::Slice& value) {
  v1::FamilyMapping row;
  if (!row.ParseFromArray(value.data(), static_cast<int>(value.size())) || row.version() == 0) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: the row {}{} does not decode", path, kMapPrefix, name));
  }
  if (row.version() > kMapVersion) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{}: the row {}{} has version {}, newer than {}, the newest that "
                                 "this version of Seshat reads; start the newer version",
                                 path, kMapPrefix, name, row.version(), kMapVersion));
  }
  return row.generation();
}

}  // namespace

Result<std::map<std::string, std::uint64_t>> ReadFamilyMap(
    rocksdb::DB& rocks, rocksdb::ColumnFamilyHandle* default_family) {
  std::map<std::string, std::uint64_t> map;
  const std::unique_ptr<rocksdb::Iterator> rows(
      rocks.NewIterator(IterationOptions(), default_family));
  for (rows->Seek(kMapPrefix); rows->Valid() && rows->key().starts_with(kMapPrefix); rows->Next()) {
    const std::string name = rows->key().ToString().substr(kMapPrefix.size());
    Result<std::uint64_t> generation = DecodeMapRow(rocks.GetName(), name, rows->value());
    if (!generation) return std::unexpected(generation.error());
    map.emplace(name, *generation);
  }
  if (!rows->status().ok()) {
    return std::unexpected(
        ErrorFrom(rows->status(), rocks.GetName() + ": cannot read the family map"));
  }
  return map;
}

Database::Database(const StorageOptions& options, std::filesystem::path rocksdb_dir,
                   StopSwitch& stop)
    : path_(std::move(rocksdb_dir)), stop_(stop), options_(options) {
  options_.db().listeners.push_back(MakeBackgroundErrorListener(stop));
}

Database::~Database() {
  for (rocksdb::ColumnFamilyHandle* handle : opened_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
}

Result<std::unique_ptr<Database>> Database::Open(const StorageOptions& options,
                                                 const std::filesystem::path& rocksdb_dir,
                                                 StopSwitch& stop, OpenReport& report) {
  std::unique_ptr<Database> database(new Database(options, rocksdb_dir, stop));
  if (Status opened = database->OpenFamilies(); !opened) return std::unexpected(opened.error());
  if (Status read = database->ReadMap(report); !read) return std::unexpected(read.error());
  return database;
}

Status Database::OpenFamilies() {
  std::vector<std::string> names{rocksdb::kDefaultColumnFamilyName};
  std::error_code missing;
  if (std::filesystem::exists(path_ / "CURRENT", missing)) {
    names.clear();
    const rocksdb::Status listed =
        rocksdb::DB::ListColumnFamilies(options_.db(), path_.string(), &names);
    if (!listed.ok()) {
      return std::unexpected(ErrorFrom(listed, "cannot open " + path_.string()));
    }
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    // A generation's options are those of its logical name.
    const std::optional<FamilyRole> role = RoleOfPhysicalFamily(name);
    families.emplace_back(name, role ? options_.ForKind(role->kind) : options_.ForDefault());
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(options_.db(), path_.string(), families, &opened_, &db);
  if (!status.ok()) {
    opened_.clear();
    return std::unexpected(ErrorFrom(status, "cannot open " + path_.string()));
  }
  db_ = std::shared_ptr<rocksdb::DB>(
      db, [env = options_.env()](rocksdb::DB* opened) { delete opened; });
  return {};
}

Status Database::ReadMap(OpenReport& report) {
  std::map<std::string, rocksdb::ColumnFamilyHandle*> by_name;
  for (rocksdb::ColumnFamilyHandle* handle : std::exchange(opened_, {})) {
    if (handle->GetName() == rocksdb::kDefaultColumnFamilyName) {
      default_ = std::make_shared<Family>(db_, handle, 0);
    } else {
      by_name.emplace(handle->GetName(), handle);
    }
  }
  std::map<GroupId, GroupFamilies> groups;
  Result<std::map<std::string, std::uint64_t>> map = ReadFamilyMap(*db_, default_family());
  Status result;
  if (!map) result = std::unexpected(map.error());
  for (const auto& [name, generation] : result ? *map : std::map<std::string, std::uint64_t>()) {
    const std::optional<FamilyRole> role = ParseFamilyName(name);
    const auto found = by_name.find(PhysicalFamilyName(name, generation));
    if (!role || found == by_name.end()) {
      result = MakeError(
          ErrorCode::kCorruption,
          fmt::format("{}: the row {}{} names a family that {}", path_.string(), kMapPrefix, name,
                      role ? "does not exist" : "this version does not know"));
      break;
    }
    GroupFamilies& group = groups[role->group];
    group.group = role->group;
    group.families[static_cast<std::size_t>(role->kind)] =
        std::make_shared<Family>(db_, found->second, generation);
    by_name.erase(found);
  }
  for (auto& [name, handle] : by_name) {
    if (result) {
      const rocksdb::Status dropped = db_->DropColumnFamily(handle);
      if (!dropped.ok()) result = std::unexpected(ErrorFrom(dropped, "cannot drop " + name));
      report.dropped_families.push_back(name);
    }
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  const MutexLock lock(mutex_);
  for (auto& [id, group] : groups) {
    if (result && std::ranges::find(group.families, nullptr) != group.families.end()) {
      result = MakeError(ErrorCode::kCorruption,
                         fmt::format("{}: the map does not name all families of group {}",
                                     path_.string(), id.value()));
    }
    groups_.push_back(std::make_shared<const GroupFamilies>(std::move(group)));
  }
  return result;
}

std::vector<GroupId> Database::Groups() const {
  const MutexLock lock(mutex_);
  std::vector<GroupId> ids;
  for (const auto& group : groups_) ids.push_back(group->group);
  return ids;
}

std::shared_ptr<const GroupFamilies> Database::Find(GroupId group) const {
  const auto id = [](const std::shared_ptr<const GroupFamilies>& g) { return g->group; };
  const MutexLock lock(mutex_);
  const auto found = std::ranges::lower_bound(groups_, group, {}, id);
  if (found == groups_.end() || (*found)->group != group) return nullptr;
  return *found;
}

Result<std::shared_ptr<const Family>> Database::MakeFamily(FamilyRole role,
                                                           std::uint64_t generation) {
  const std::string name = PhysicalFamilyName(FamilyName(role), generation);
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  const rocksdb::Status status =
      db_->CreateColumnFamily(options_.ForKind(role.kind), name, &handle);
  if (!status.ok()) {
    const Error error = ErrorFrom(status, "cannot create the column family " + name);
    stop_.Stop(error);
    return std::unexpected(error);
  }
  return std::make_shared<Family>(db_, handle, generation);
}

Result<std::shared_ptr<const GroupFamilies>> Database::MakeGroup(GroupId group) {
  if (Find(group) != nullptr) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("group {} exists already", group.value()));
  }
  auto families = std::make_shared<GroupFamilies>();
  families->group = group;
  for (const FamilyKind kind : kFamilyKinds) {
    Result<std::shared_ptr<const Family>> family = MakeFamily({.group = group, .kind = kind}, 0);
    if (!family) return std::unexpected(family.error());
    families->families[static_cast<std::size_t>(kind)] = *std::move(family);
  }
  return families;
}

Result<std::shared_ptr<const Family>> Database::MakeNextGeneration(FamilyRole role) {
  const std::shared_ptr<const GroupFamilies> current = Find(role.group);
  SESHAT_CHECK(current != nullptr);
  std::uint64_t generation = 0;
  {
    const MutexLock lock(mutex_);
    // Several may be made before one of them becomes the current one.
    std::uint64_t& highest = highest_generations_[FamilyName(role)];
    highest = std::max(highest, current->family(role.kind)->generation()) + 1;
    generation = highest;
  }
  return MakeFamily(role, generation);
}

std::shared_ptr<const GroupFamilies> Database::WithFamily(const GroupFamilies& current,
                                                          FamilyKind kind,
                                                          std::shared_ptr<const Family> family) {
  auto families = std::make_shared<GroupFamilies>(current);
  families->families[static_cast<std::size_t>(kind)] = std::move(family);
  return families;
}

void Database::AddMapRow(const GroupFamilies& families, FamilyKind kind,
                         rocksdb::WriteBatch& batch) {
  v1::FamilyMapping row;
  row.set_version(kMapVersion);
  row.set_generation(families.family(kind)->generation());
  const std::string key =
      fmt::format("{}{}", kMapPrefix, FamilyName({.group = families.group, .kind = kind}));
  SESHAT_CHECK(batch.Put(default_family(), key, row.SerializeAsString()).ok());
}

void Database::Publish(std::shared_ptr<const GroupFamilies> families) {
  const auto id = [](const std::shared_ptr<const GroupFamilies>& g) { return g->group; };
  std::shared_ptr<const GroupFamilies> replaced;  // freed outside the lock
  const MutexLock lock(mutex_);
  const auto place = std::ranges::lower_bound(groups_, families->group, {}, id);
  if (place != groups_.end() && (*place)->group == families->group) {
    replaced = std::exchange(*place, std::move(families));
  } else {
    groups_.insert(place, std::move(families));
  }
}

void Database::Drop(const Family& family) {
  const rocksdb::Status status = db_->DropColumnFamily(family.handle());
  if (!status.ok()) stop_.Stop(ErrorFrom(status, "cannot drop a column family"));
}

bool Database::Write(rocksdb::WriteBatch& batch, std::string_view what,
                     const rocksdb::WriteOptions& options) {
  if (stop_.stopped()) return false;
  const rocksdb::Status status = db_->Write(options, &batch);
  if (status.ok()) return true;
  stop_.Stop(ErrorFrom(status, what));
  return false;
}

bool Database::Sync() {
  if (stop_.stopped()) return false;
  // Everything up to here is in the log already; what others write during the sync may not be.
  const std::uint64_t covered = db_->GetLatestSequenceNumber();
  const rocksdb::Status status = db_->SyncWAL();
  if (!status.ok()) {
    stop_.Stop(ErrorFrom(status, "cannot sync the write-ahead log"));
    return false;
  }
  std::uint64_t seen = synced_sequence_;
  while (seen < covered && !synced_sequence_.compare_exchange_weak(seen, covered)) {
  }
  // A background error may have stopped the node meanwhile: then this sync counts for nothing.
  return !stop_.stopped();
}

std::unexpected<Error> Database::ReadFailed(const rocksdb::Status& status, std::string_view what) {
  // Not every error of RocksDB names a file: the folder at least.
  Error error = ErrorFrom(status, fmt::format("{}: {}", db_->GetName(), what));
  stop_.Stop(error);
  return std::unexpected(std::move(error));
}

Result<std::optional<std::string>> Database::ReadRow(rocksdb::ColumnFamilyHandle* family,
                                                     std::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), family, key, &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return ReadFailed(status, fmt::format("cannot read the row {}", key));
  return value;
}

}  // namespace seshat
