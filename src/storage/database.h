// The open RocksDB, its column families, and the map from logical names to generations.
//
// Who writes what into a family is the business of the log store and the state store.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "family_names.h"
#include "rocks_options.h"
#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/storage/storage_engine.h"
#include "stop_switch.h"

namespace seshat {

// A physical column family. It stays readable while anyone holds it, even after it was dropped.
// Threads: immutable.
class Family {
 public:
  Family(std::shared_ptr<rocksdb::DB> db, rocksdb::ColumnFamilyHandle* handle,
         std::uint64_t generation)
      : db_(std::move(db)), handle_(handle), generation_(generation) {}
  ~Family() { db_->DestroyColumnFamilyHandle(handle_).PermitUncheckedError(); }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  rocksdb::ColumnFamilyHandle* handle() const { return handle_; }
  std::uint64_t generation() const { return generation_; }

 private:
  const std::shared_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* const handle_;
  const std::uint64_t generation_;
};

// The current families of one group.
struct GroupFamilies {
  GroupId group;
  std::array<std::shared_ptr<const Family>, kFamilyKinds.size()> families{};

  const std::shared_ptr<const Family>& family(FamilyKind kind) const {
    return families[static_cast<std::size_t>(kind)];
  }
  rocksdb::ColumnFamilyHandle* handle(FamilyKind kind) const { return family(kind)->handle(); }
};

// The rows of the family map: the generation behind each logical name.
// Errors: kCorruption, naming the database and the row; kIo.
Result<std::map<std::string, std::uint64_t>> ReadFamilyMap(
    rocksdb::DB& rocks, rocksdb::ColumnFamilyHandle* default_family);

// Threads: thread-safe. A group's families are changed by one thread at a time.
class Database {
 public:
  // Pre:    CheckWal passed and the folder is ours.
  // Errors: kCorruption, kIo.
  static Result<std::unique_ptr<Database>> Open(const StorageOptions& options,
                                                const std::filesystem::path& rocksdb_dir,
                                                StopSwitch& stop, OpenReport& report);
  ~Database();

  rocksdb::DB& rocks() { return *db_; }
  rocksdb::ColumnFamilyHandle* default_family() const { return default_->handle(); }
  StopSwitch& stop() { return stop_; }

  std::vector<GroupId> Groups() const;
  // The group's families of this moment; null for an unknown group. Cheap: for every read.
  std::shared_ptr<const GroupFamilies> Find(GroupId group) const;

  // Makes three empty families; the group exists once a batch with its map rows is written and
  // they are published. Errors: kFailedPrecondition if it exists; kIo.
  Result<std::shared_ptr<const GroupFamilies>> MakeGroup(GroupId group);
  // Makes an empty family of a generation that there has never been, which no map row names yet.
  // Errors: kIo (the node is stopping).
  Result<std::shared_ptr<const Family>> MakeNextGeneration(FamilyRole role);
  // `current` with this family in place of its own.
  static std::shared_ptr<const GroupFamilies> WithFamily(const GroupFamilies& current,
                                                         FamilyKind kind,
                                                         std::shared_ptr<const Family> family);
  // Adds the row that makes a family the current one after a restart.
  void AddMapRow(const GroupFamilies& families, FamilyKind kind, rocksdb::WriteBatch& batch);
  // From now on Find gives these. Pre: their map rows are durable.
  void Publish(std::shared_ptr<const GroupFamilies> families);
  // Removes a family that no map row names; readers that hold it are not disturbed.
  void Drop(const Family& family);
  // To be held from before a map row is written until Publish and Drop are done, and by whoever
  // needs map rows and families that agree, and still do a moment later.
  Mutex& family_changes() { return family_changes_; }

  // Writes a batch; false when that failed and the node is stopping. Durability: none.
  bool Write(rocksdb::WriteBatch& batch, std::string_view what,
             const rocksdb::WriteOptions& options = rocksdb::WriteOptions());
  // Makes everything written so far durable; false when that failed and the node is stopping.
  bool Sync();
  // Every sequence number up to here has been synced.
  std::uint64_t synced_sequence() const { return synced_sequence_; }
  ManifestPosition synced_manifest() const { return options_.synced_manifest(); }
  // The Error for the caller after a failed read: the node is stopping.
  std::unexpected<Error> ReadFailed(const rocksdb::Status& status, std::string_view what);

  // One row, empty when absent. Errors: kIo, kCorruption (the node is stopping).
  Result<std::optional<std::string>> ReadRow(rocksdb::ColumnFamilyHandle* family,
                                             std::string_view key);

  const std::filesystem::path& path() const { return path_; }
  // For other databases of this node: the same caches and file system.
  const RocksOptions& options() const { return options_; }

 private:
  Database(const StorageOptions& options, std::filesystem::path rocksdb_dir, StopSwitch& stop);

  Status OpenFamilies();
  Status ReadMap(OpenReport& report);
  Result<std::shared_ptr<const Family>> MakeFamily(FamilyRole role, std::uint64_t generation);

  const std::filesystem::path path_;
  StopSwitch& stop_;
  RocksOptions options_;
  std::shared_ptr<rocksdb::DB> db_;
  std::atomic<std::uint64_t> synced_sequence_ = 0;
  std::shared_ptr<const Family> default_;
  std::vector<rocksdb::ColumnFamilyHandle*> opened_;  // until ReadMap has sorted them

  Mutex family_changes_;
  mutable Mutex mutex_;
  // Of each logical name whose next generation was made by this process.
  std::map<std::string, std::uint64_t> highest_generations_ SESHAT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const GroupFamilies>> groups_ SESHAT_GUARDED_BY(mutex_);  // ascending
};

}  // namespace seshat
