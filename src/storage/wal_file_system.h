// The file system under RocksDB, with log files that have their final length from the start.
//
// Syncing a file that has grown means writing its new length too, a second write. A log file is
// therefore extended once, by its whole preallocation, and ends in zeros until they are
// overwritten; RocksDB cuts them off when it closes the file. After a crash they are still there
// (wal_reader.h).
#pragma once

#include <rocksdb/env.h>

#include <memory>

#include "synced_manifest.h"

namespace seshat {

// `base`: the default one when null; not owned, outlives the result. `manifest`: to be told of each
// sync of the manifest.
std::unique_ptr<rocksdb::Env> MakeWalEnv(rocksdb::Env* base,
                                         std::shared_ptr<SyncedManifest> manifest);

}  // namespace seshat
