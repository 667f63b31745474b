// What RocksDB's manifest says of the write-ahead log, read without replaying that log.
#pragma once

#include <cstdint>
#include <filesystem>

#include "seshat/base/error.h"

namespace seshat {

struct ManifestFacts {
  std::uint64_t first_live_wal = 0;  // files with lower numbers are leftovers that no one needs
  std::uint64_t last_sequence = 0;   // the highest in any table file
};

// Opens the database read-only, as far as its manifest, and closes it again.
// Errors: kCorruption, kIo with RocksDB's text.
Result<ManifestFacts> ProbeManifest(const std::filesystem::path& rocksdb_dir);

}  // namespace seshat
