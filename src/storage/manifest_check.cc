#include "manifest_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "posix_file.h"
#include "rocksdb_files.h"
#include "torn_tail.h"
#include "wal_reader.h"
#include "wal_record.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCurrentBytesMax = 4096;

// Empty when there is no database, and when CURRENT makes no sense: that is RocksDB's to say.
Result<std::optional<fs::path>> CurrentManifest(const fs::path& rocksdb_dir) {
  Result<std::optional<std::string>> current =
      ReadSmallFile(rocksdb_dir / "CURRENT", kCurrentBytesMax);
  if (!current) return std::unexpected(current.error());
  if (!current->has_value()) return std::nullopt;
  fs::path path = rocksdb_dir / (*current)->substr(0, (*current)->find('\n'));
  std::error_code missing;
  if (!ManifestNumber(path) || !fs::exists(path, missing)) return std::nullopt;
  return path;
}

// A manifest has the format of a log file.
Result<std::optional<WalItem>> FirstDamage(const fs::path& manifest) {
  Result<WalReader> reader = WalReader::Open(manifest);
  if (!reader) return std::unexpected(reader.error());
  for (;;) {
    Result<std::optional<WalItem>> item = reader->Next();
    if (!item || !item->has_value() || !(*item)->damage.empty()) return item;
  }
}

// How far the manifest with that number had been synced, by any mark in any log file.
Result<std::uint64_t> SyncedBytes(const fs::path& rocksdb_dir, std::uint64_t manifest_number) {
  Result<std::uint64_t> mark_key = ReadMarkKey(rocksdb_dir);
  if (!mark_key) return mark_key;
  Result<std::vector<NumberedFile>> logs = ListNumberedFiles(rocksdb_dir, ".log");
  if (!logs) return std::unexpected(logs.error());
  std::uint64_t bytes = 0;
  for (const NumberedFile& log : *logs) {
    Result<WalReader> reader = WalReader::Open(log.path);
    if (!reader) return std::unexpected(reader.error());
    for (;;) {
      Result<std::optional<WalItem>> item = reader->Next();
      if (!item) return std::unexpected(item.error());
      if (!item->has_value()) break;
      Result<WalRecord> record = ParseWalRecord(std::move((*item)->payload), *mark_key);
      if (!record || record->synced_manifest.number != manifest_number) continue;
      bytes = std::max(bytes, record->synced_manifest.bytes);
    }
  }
  return bytes;
}

// The manifest, when it has a damaged tail that nobody had synced.
struct TornManifest {
  fs::path path;
  WalItem damage;
};

// Reads only. Errors: as CheckManifest.
Result<std::optional<TornManifest>> JudgeManifest(const fs::path& rocksdb_dir) {
  Result<std::optional<fs::path>> manifest = CurrentManifest(rocksdb_dir);
  if (!manifest) return std::unexpected(manifest.error());
  if (!manifest->has_value()) return std::nullopt;
  Result<std::optional<WalItem>> damage = FirstDamage(**manifest);
  if (!damage) return std::unexpected(damage.error());
  if (!damage->has_value()) return std::nullopt;
  Result<std::uint64_t> synced = SyncedBytes(rocksdb_dir, *ManifestNumber(**manifest));
  if (!synced) return std::unexpected(synced.error());
  if ((*damage)->offset < *synced) {
    return MakeError(
        ErrorCode::kCorruption,
        fmt::format("{} is damaged at offset {} ({}) and had been synced up to offset {}: without "
                    "it the database cannot be read, so this node does not start; restore the "
                    "data directory, or replace the node",
                    (*manifest)->string(), (*damage)->offset, (*damage)->damage, *synced));
  }
  return TornManifest{.path = **std::move(manifest), .damage = **std::move(damage)};
}

}  // namespace

Result<std::optional<TornTail>> CheckManifest(const fs::path& rocksdb_dir,
                                              const fs::path& torn_dir) {
  Result<std::optional<TornManifest>> judged = JudgeManifest(rocksdb_dir);
  if (!judged) return std::unexpected(judged.error());
  if (!judged->has_value()) return std::nullopt;
  WalItem& damage = (*judged)->damage;
  Result<TornTail> torn =
      CutOffTornTail({(*judged)->path}, damage.offset, std::move(damage.damage), torn_dir);
  if (!torn) return std::unexpected(torn.error());
  return *std::move(torn);
}

Result<std::optional<TornTail>> FindTornManifest(const fs::path& rocksdb_dir) {
  Result<std::optional<TornManifest>> judged = JudgeManifest(rocksdb_dir);
  if (!judged) return std::unexpected(judged.error());
  if (!judged->has_value()) return std::nullopt;
  WalItem& damage = (*judged)->damage;
  Result<TornTail> torn =
      DescribeTornTail({(*judged)->path}, damage.offset, std::move(damage.damage));
  if (!torn) return std::unexpected(torn.error());
  return *std::move(torn);
}

}  // namespace seshat
