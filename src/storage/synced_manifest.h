// How far RocksDB's manifest has been synced, watched from below RocksDB.
//
// The durable marks in the write-ahead log carry it, so that the next start can tell a manifest
// whose un-synced tail was torn by a power failure from one that is damaged (manifest_check.h).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>

#include "seshat/base/mutex.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace seshat {

// In order of time: a manifest with a higher number is a later one.
struct ManifestPosition {
  std::uint64_t number = 0;  // of the file; 0: none yet
  std::uint64_t bytes = 0;

  auto operator<=>(const ManifestPosition&) const = default;
};

// Threads: thread-safe.
class SyncedManifest {
 public:
  ManifestPosition position() const;
  void Advance(ManifestPosition to);

 private:
  mutable Mutex mutex_;
  ManifestPosition position_ SESHAT_GUARDED_BY(mutex_);
};

// `base`, and each sync of a manifest is told to `synced`.
std::shared_ptr<rocksdb::FileSystem> WatchManifest(std::shared_ptr<rocksdb::FileSystem> base,
                                                   std::shared_ptr<SyncedManifest> synced);

}  // namespace seshat
