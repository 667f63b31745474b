// Looks at RocksDB's write-ahead log before RocksDB does, and decides what damage in it means.
//
// After a power failure the tail that was never synced may be torn or reordered: that is no loss,
// and must not stop a node for good. A damaged record that had been synced is a lost promise. No
// recovery mode of RocksDB tells the two apart; the marks in the log do: each says how far the
// log was synced when it was written. Damage at or below the highest mark is a lost promise.
#pragma once

#include <filesystem>
#include <optional>

#include "seshat/base/error.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// Checks the log files in `rocksdb_dir` and cuts a torn tail off; copies of what is cut go to a
// folder in `torn_dir`, which keeps the newest two. Does nothing when there is no database yet.
// Pre:        nobody has the database open.
// Errors:     kCorruption naming file and offset when a synced record is damaged or missing, and
//             when the folder holds data but no database; kIo. Nothing was changed.
// Durability: synced at return, the logs as they were found too. A crash in between leaves a log
// that the next check mends.
Result<std::optional<TornTail>> CheckWal(const std::filesystem::path& rocksdb_dir,
                                         const std::filesystem::path& torn_dir);

// What CheckWal would find, changing nothing: a tail is left where it is. Errors: as CheckWal.
Result<std::optional<TornTail>> FindTornWal(const std::filesystem::path& rocksdb_dir);

}  // namespace seshat
