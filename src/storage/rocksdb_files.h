// The names of RocksDB's files, as far as the checks before it opens need them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"

namespace seshat {

struct NumberedFile {
  std::uint64_t number = 0;
  std::filesystem::path path;
};

// The files <number><extension> of the folder, ascending. Errors: kIo.
Result<std::vector<NumberedFile>> ListNumberedFiles(const std::filesystem::path& rocksdb_dir,
                                                    std::string_view extension);

// Of a file MANIFEST-<number>; empty for any other name.
std::optional<std::uint64_t> ManifestNumber(const std::filesystem::path& path);

// The key of this database's marks (wal_record.h). Errors: kCorruption when IDENTITY is missing;
// kIo.
Result<std::uint64_t> ReadMarkKey(const std::filesystem::path& rocksdb_dir);

}  // namespace seshat
