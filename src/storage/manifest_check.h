// Looks at RocksDB's manifest before RocksDB does, and decides what damage in it means.
//
// RocksDB takes a manifest whose last records are torn across two pages for a damaged one, and
// would not open it again. The marks in the write-ahead log say how far the manifest had been
// synced: damage below that is a lost promise, above it a tail that nobody relied on. Without that
// tail RocksDB stands where it stood before its last step, and all files of that moment are there:
// it removes none before the manifest is synced.
#pragma once

#include <filesystem>
#include <optional>

#include "seshat/base/error.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// Checks the manifest that CURRENT names and cuts a torn tail off; a copy goes to a folder in
// `torn_dir`, as those of the log do. Does nothing when there is no database yet.
// Pre:        nobody has the database open.
// Errors:     kCorruption naming file and offset when a synced record is damaged, and nothing was
//             changed; kIo.
// Durability: synced at return.
Result<std::optional<TornTail>> CheckManifest(const std::filesystem::path& rocksdb_dir,
                                              const std::filesystem::path& torn_dir);

// What CheckManifest would find, changing nothing. Errors: as CheckManifest.
Result<std::optional<TornTail>> FindTornManifest(const std::filesystem::path& rocksdb_dir);

}  // namespace seshat
