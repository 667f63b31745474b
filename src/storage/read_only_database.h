// The node's RocksDB opened for reading alone, and its families found by the family map.
//
// Not for a running node (database.h): it takes what is there, writes nothing, and says what does
// not fit together instead of stopping at it.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "family_names.h"
#include "rocks_options.h"
#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/storage/directory_reader.h"

namespace seshat {

// Threads: immutable.
class ReadOnlyDatabase {
 public:
  struct MappedFamily {
    rocksdb::ColumnFamilyHandle* handle = nullptr;
    std::uint64_t generation = 0;
  };
  using Families = std::array<MappedFamily, kFamilyKinds.size()>;

  // Replays the write-ahead log into memory up to the first damage.
  // Errors: kCorruption, kIo.
  static Result<std::unique_ptr<ReadOnlyDatabase>> Open(const RocksOptions& options,
                                                        const std::filesystem::path& rocksdb_dir,
                                                        DirectoryFindings& findings);
  ~ReadOnlyDatabase();
  ReadOnlyDatabase(const ReadOnlyDatabase&) = delete;
  ReadOnlyDatabase& operator=(const ReadOnlyDatabase&) = delete;

  rocksdb::DB& rocks() const { return *rocks_; }
  const std::map<GroupId, Families>& groups() const { return groups_; }
  // Pre: the group is one of groups().
  rocksdb::ColumnFamilyHandle* handle(GroupId group, FamilyKind kind) const {
    return groups_.at(group)[static_cast<std::size_t>(kind)].handle;
  }

 private:
  ReadOnlyDatabase() = default;
  void FindGroups(DirectoryFindings& findings);

  std::unique_ptr<rocksdb::DB> rocks_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::map<GroupId, Families> groups_;
};

// Compares the checksums of every block of the table file. Errors: kCorruption, kIo, naming it.
Status CheckTable(const RocksOptions& options, const std::filesystem::path& path);
// The same of every table file in the folder.
void CheckTablesIn(const RocksOptions& options, const std::filesystem::path& folder,
                   DirectoryFindings& findings);

}  // namespace seshat
