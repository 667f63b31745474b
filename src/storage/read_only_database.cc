#include "read_only_database.h"

#include <fmt/core.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "database.h"
#include "rocks_status.h"
#include "rocksdb_files.h"

namespace seshat {
namespace {

constexpr int kOpenFilesMax = 256;

}  // namespace

Result<std::unique_ptr<ReadOnlyDatabase>> ReadOnlyDatabase::Open(
    const RocksOptions& options, const std::filesystem::path& rocksdb_dir,
    DirectoryFindings& findings) {
  rocksdb::DBOptions db_options = options.db();
  db_options.create_if_missing = false;
  db_options.write_buffer_manager = nullptr;
  db_options.max_open_files = kOpenFilesMax;
  // Whatever is wrong with the log was named by its check: show what lies before it.
  db_options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;

  std::vector<std::string> names;
  const std::string path = rocksdb_dir.string();
  rocksdb::Status status = rocksdb::DB::ListColumnFamilies(db_options, path, &names);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    const std::optional<FamilyRole> role = RoleOfPhysicalFamily(name);
    families.emplace_back(name, role ? options.ForKind(role->kind) : options.ForDefault());
  }
  std::unique_ptr<ReadOnlyDatabase> database(new ReadOnlyDatabase());
  rocksdb::DB* opened = nullptr;
  if (status.ok()) {
    status = rocksdb::DB::OpenForReadOnly(db_options, path, families, &database->handles_, &opened);
  }
  if (!status.ok()) {
    database->handles_.clear();
    return std::unexpected(ErrorFrom(status, "cannot open " + path));
  }
  database->rocks_.reset(opened);
  database->FindGroups(findings);
  return database;
}

ReadOnlyDatabase::~ReadOnlyDatabase() {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    rocks_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
}

void ReadOnlyDatabase::FindGroups(DirectoryFindings& findings) {
  std::map<std::string, rocksdb::ColumnFamilyHandle*> by_name;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) by_name.emplace(handle->GetName(), handle);
  const Result<std::map<std::string, std::uint64_t>> map =
      ReadFamilyMap(*rocks_, by_name.at(rocksdb::kDefaultColumnFamilyName));
  if (!map) {
    findings.damage.push_back(map.error().message());
    return;
  }
  by_name.erase(rocksdb::kDefaultColumnFamilyName);
  for (const auto& [name, generation] : *map) {
    const std::optional<FamilyRole> role = ParseFamilyName(name);
    const auto found = by_name.find(PhysicalFamilyName(name, generation));
    if (!role || found == by_name.end()) {
      findings.damage.push_back(
          fmt::format("{}: the row family:{} names a family that {}", rocks_->GetName(), name,
                      role ? "does not exist" : "this version does not know"));
      continue;
    }
    groups_[role->group][static_cast<std::size_t>(role->kind)] = {.handle = found->second,
                                                                  .generation = generation};
    by_name.erase(found);
  }
  std::erase_if(groups_, [&](const auto& group) {
    if (std::ranges::find(group.second, nullptr, &MappedFamily::handle) == group.second.end()) {
      return false;
    }
    findings.damage.push_back(fmt::format("{}: the map does not name all families of group {}",
                                          rocks_->GetName(), group.first.value()));
    return true;
  });
  for (const auto& [name, handle] : by_name) {
    findings.notes.push_back(fmt::format(
        "{}: no row names the family {}, which the next start drops", rocks_->GetName(), name));
  }
}

Status CheckTable(const RocksOptions& options, const std::filesystem::path& path) {
  rocksdb::SstFileReader reader(rocksdb::Options(options.db(), options.ForDefault()));
  rocksdb::Status status = reader.Open(path.string());
  if (status.ok()) status = reader.VerifyChecksum();
  if (status.ok()) return {};
  return std::unexpected(ErrorFrom(status, path.string()));
}

void CheckTablesIn(const RocksOptions& options, const std::filesystem::path& folder,
                   DirectoryFindings& findings) {
  const Result<std::vector<NumberedFile>> files = ListNumberedFiles(folder, ".sst");
  if (!files) {
    findings.damage.push_back(files.error().message());
    return;
  }
  for (const NumberedFile& file : *files) {
    const Status whole = CheckTable(options, file.path);
    if (!whole) findings.damage.push_back(whole.error().message());
  }
}

}  // namespace seshat
