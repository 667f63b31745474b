#include "rocks_snapshot.h"

#include <fmt/core.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <map>
#include <utility>

#include "database.h"
#include "rocks_status.h"
#include "state_reads.h"

namespace seshat {

// The open files of a snapshot, with the kv family of each group.
// Threads: immutable.
class SnapshotReader {
 public:
  // Errors: kCorruption, kIo.
  static Result<std::shared_ptr<const SnapshotReader>> Open(const RocksOptions& options,
                                                            std::shared_ptr<SnapshotFolder> folder);
  explicit SnapshotReader(std::shared_ptr<SnapshotFolder> folder) : folder_(std::move(folder)) {}
  ~SnapshotReader() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      rocks_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
  }
  SnapshotReader(const SnapshotReader&) = delete;
  SnapshotReader& operator=(const SnapshotReader&) = delete;

  rocksdb::DB& rocks() const { return *rocks_; }
  // Null for a group that is not there.
  rocksdb::ColumnFamilyHandle* KvFamily(GroupId group) const {
    const auto found = kv_families_.find(group);
    return found == kv_families_.end() ? nullptr : found->second;
  }

 private:
  Status OpenFiles(const RocksOptions& options);
  Status ReadMap();

  const std::shared_ptr<SnapshotFolder> folder_;  // goes after the database in it
  std::unique_ptr<rocksdb::DB> rocks_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::map<GroupId, rocksdb::ColumnFamilyHandle*> kv_families_;
};

namespace {

constexpr int kOpenFilesMax = 256;

}  // namespace

Result<std::shared_ptr<const SnapshotReader>> SnapshotReader::Open(
    const RocksOptions& options, std::shared_ptr<SnapshotFolder> folder) {
  auto reader = std::make_shared<SnapshotReader>(std::move(folder));
  Status done = reader->OpenFiles(options);
  if (done) done = reader->ReadMap();
  if (!done) return std::unexpected(done.error());
  return reader;
}

Status SnapshotReader::OpenFiles(const RocksOptions& node_options) {
  rocksdb::DBOptions options = node_options.db();
  options.create_if_missing = false;
  options.listeners.clear();
  options.write_buffer_manager = nullptr;
  options.max_open_files = kOpenFilesMax;
  const std::string path = folder_->path();
  std::vector<std::string> names;
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    const std::optional<FamilyRole> role = RoleOfPhysicalFamily(name);
    if (name == rocksdb::kDefaultColumnFamilyName) {
      families.emplace_back(name, node_options.ForDefault());
    } else if (role && role->kind == FamilyKind::kKv) {
      families.emplace_back(name, node_options.ForKind(FamilyKind::kKv));
    }
  }
  rocksdb::DB* opened = nullptr;
  if (status.ok()) {
    status = rocksdb::DB::OpenForReadOnly(options, path, families, &handles_, &opened);
  }
  if (!status.ok()) {
    return std::unexpected(ErrorFrom(status, "cannot open the snapshot " + path));
  }
  rocks_.reset(opened);
  return {};
}

Status SnapshotReader::ReadMap() {
  std::map<std::string, rocksdb::ColumnFamilyHandle*> by_name;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) by_name.emplace(handle->GetName(), handle);
  Result<std::map<std::string, std::uint64_t>> map =
      ReadFamilyMap(*rocks_, by_name.at(rocksdb::kDefaultColumnFamilyName));
  if (!map) return std::unexpected(map.error());
  for (const auto& [name, generation] : *map) {
    const std::optional<FamilyRole> role = ParseFamilyName(name);
    if (!role || role->kind != FamilyKind::kKv) continue;
    const auto found = by_name.find(PhysicalFamilyName(name, generation));
    if (found != by_name.end()) kv_families_.emplace(role->group, found->second);
  }
  return {};
}

Result<std::shared_ptr<const SnapshotReader>> RocksSnapshot::Reader() const {
  {
    const MutexLock lock(mutex_);
    if (std::shared_ptr<const SnapshotReader> reader = reader_.lock()) return reader;
  }
  Result<std::uint32_t> checksum = ManifestChecksum(folder_->path());
  if (!checksum) return std::unexpected(checksum.error());
  if (*checksum != metadata_.manifest_crc32c) {
    return MakeError(
        ErrorCode::kCorruption,
        fmt::format("{}: the MANIFEST is not the one that it was made with; remove the folder",
                    folder_->path().string()));
  }
  // Two may open it at once: no harm, and nobody waits for a lock while the disk works.
  Result<std::shared_ptr<const SnapshotReader>> opened = SnapshotReader::Open(options_, folder_);
  if (!opened) return opened;
  const MutexLock lock(mutex_);
  reader_ = *opened;
  return opened;
}

Result<std::unique_ptr<StateView>> RocksSnapshot::View(GroupId group) const {
  if (!std::ranges::binary_search(groups(), group, {}, &GroupSnapshot::group)) {
    return MakeError(ErrorCode::kNotFound,
                     fmt::format("{} does not hold group {}", name_, group.value()));
  }
  Result<std::shared_ptr<const SnapshotReader>> reader = Reader();
  if (!reader) return std::unexpected(reader.error());
  rocksdb::ColumnFamilyHandle* const family = (*reader)->KvFamily(group);
  if (family == nullptr) {
    return MakeError(ErrorCode::kCorruption, fmt::format("{} has no keys of group {}",
                                                         folder_->path().string(), group.value()));
  }
  return std::make_unique<UnchangingView>(StateReads(stop_, (*reader)->rocks(), family), *reader);
}

}  // namespace seshat
