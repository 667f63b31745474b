// RocksDB's settings, all in one place; docs/adr/0006-rocksdb-rules.md says why.
#pragma once

#include <rocksdb/options.h>

#include <memory>

#include "family_names.h"
#include "seshat/storage/storage_engine.h"
#include "synced_manifest.h"

namespace rocksdb {
class Cache;
class Env;
}  // namespace rocksdb

namespace seshat {

// Threads: immutable.
class RocksOptions {
 public:
  explicit RocksOptions(const StorageOptions& options);

  const rocksdb::DBOptions& db() const { return db_; }
  rocksdb::DBOptions& db() { return db_; }
  // What db().env points to: a database must not outlive it.
  std::shared_ptr<rocksdb::Env> env() const { return env_; }
  // Of the database that was opened with these.
  ManifestPosition synced_manifest() const { return synced_manifest_->position(); }
  rocksdb::ColumnFamilyOptions ForDefault() const { return ForKind(FamilyKind::kState); }
  rocksdb::ColumnFamilyOptions ForKind(FamilyKind kind) const;

 private:
  std::shared_ptr<SyncedManifest> synced_manifest_;
  std::shared_ptr<rocksdb::Env> env_;
  std::shared_ptr<rocksdb::Cache> cache_;
  rocksdb::DBOptions db_;
};

// What every iterator starts from. RocksDB 7.8.3 ends an iteration with an OK status at a file
// whose first block cannot be read, unless it need not look for range tombstones; no family has
// any (docs/adr/0006-rocksdb-rules.md).
rocksdb::ReadOptions IterationOptions();

}  // namespace seshat
