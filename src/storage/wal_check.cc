#include "wal_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "manifest_probe.h"
#include "posix_file.h"
#include "rocksdb_files.h"
#include "torn_tail.h"
#include "wal_reader.h"
#include "wal_record.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

// The first place where the log is not what was written.
struct Damage {
  std::size_t file = 0;
  std::uint64_t offset = 0;
  std::string what;
  std::optional<std::uint64_t> first_lost;  // sequence number; empty: before anything readable
};

// What a walk through all files found.
struct Findings {
  std::optional<Damage> damage;
  std::optional<std::uint64_t> next_sequence;     // after the last record before the damage
  std::optional<std::uint64_t> durable_sequence;  // the highest mark anywhere
};

void NoteRecord(const WalRecord& record, std::size_t file, std::uint64_t offset,
                Findings& findings) {
  if (record.durable_sequence) {
    findings.durable_sequence =
        std::max(findings.durable_sequence.value_or(0), *record.durable_sequence);
  }
  if (findings.damage) return;
  const std::uint64_t expected = findings.next_sequence.value_or(record.first_sequence);
  if (record.first_sequence != expected) {
    findings.damage = Damage{
        .file = file,
        .offset = offset,
        .what = fmt::format("records are missing before it: it starts at sequence number {}, "
                            "expected {}",
                            record.first_sequence, expected),
        .first_lost = expected};
    return;
  }
  findings.next_sequence = record.first_sequence + record.count;
}

Status WalkFile(const NumberedFile& wal, std::size_t file, std::uint64_t mark_key,
                Findings& findings) {
  Result<WalReader> reader = WalReader::Open(wal.path);
  if (!reader) return std::unexpected(reader.error());
  for (;;) {
    Result<std::optional<WalItem>> item = reader->Next();
    if (!item) return std::unexpected(item.error());
    if (!item->has_value()) return {};
    WalItem& found = **item;
    if (found.damage.empty()) {
      Result<WalRecord> record = ParseWalRecord(std::move(found.payload), mark_key);
      if (record) {
        NoteRecord(*record, file, found.offset, findings);
        continue;
      }
      found.damage = record.error().message();
    }
    if (findings.damage) continue;
    findings.damage = Damage{.file = file,
                             .offset = found.offset,
                             .what = std::move(found.damage),
                             .first_lost = findings.next_sequence};
  }
}

// Whether what is lost had been synced. When nothing before the damage is readable, the sequence
// number lost is not known. The first record of the first log after a start is a synced mark, so
// only a later log, alone and younger than every table file's data, may begin with a torn record.
bool LostAPromise(const Findings& findings, std::size_t files, const ManifestFacts& manifest) {
  if (!findings.durable_sequence) return false;
  if (findings.damage->first_lost) {
    return *findings.durable_sequence >= *findings.damage->first_lost;
  }
  return findings.damage->file + 1 != files || *findings.durable_sequence > manifest.last_sequence;
}

// What a process wrote that died before its sync was judged sound, and RocksDB syncs only the logs
// of its own time: torn later, below this process's marks, it would pass for a lost promise.
Status SyncLogs(const std::vector<NumberedFile>& files, const fs::path& rocksdb_dir) {
  for (const NumberedFile& file : files) {
    if (Status synced = SyncFile(file.path); !synced) return synced;
  }
  return SyncFolder(rocksdb_dir);
}

// A database's folder without its CURRENT file would be opened as a new, empty one.
Status RefuseLostDatabase(const fs::path& rocksdb_dir) {
  for (const std::string_view extension : {".log", ".sst"}) {
    Result<std::vector<NumberedFile>> files = ListNumberedFiles(rocksdb_dir, extension);
    if (!files) return std::unexpected(files.error());
    if (files->empty()) continue;
    return MakeError(
        ErrorCode::kCorruption,
        fmt::format("{} is missing, but the folder holds data ({}): restore the "
                    "folder from a backup",
                    (rocksdb_dir / "CURRENT").string(), files->front().path.filename().string()));
  }
  return {};
}

// The log files that count, and where the tail begins that nobody had synced and that is damaged.
struct JudgedWal {
  std::vector<NumberedFile> files;
  std::optional<Damage> torn;

  std::vector<fs::path> TornFiles() const {
    std::vector<fs::path> torn_files;
    for (std::size_t i = torn->file; i < files.size(); ++i) torn_files.push_back(files[i].path);
    return torn_files;
  }
};

// Reads only. Empty when there is no database yet. Errors: as CheckWal.
Result<std::optional<JudgedWal>> JudgeWal(const fs::path& rocksdb_dir) {
  std::error_code failure;
  if (!fs::exists(rocksdb_dir / "CURRENT", failure)) {
    if (Status fresh = RefuseLostDatabase(rocksdb_dir); !fresh) {
      return std::unexpected(fresh.error());
    }
    return std::nullopt;
  }
  Result<ManifestFacts> manifest = ProbeManifest(rocksdb_dir);
  if (!manifest) return std::unexpected(manifest.error());
  Result<std::uint64_t> mark_key = ReadMarkKey(rocksdb_dir);
  if (!mark_key) return std::unexpected(mark_key.error());
  Result<std::vector<NumberedFile>> files = ListNumberedFiles(rocksdb_dir, ".log");
  if (!files) return std::unexpected(files.error());
  std::erase_if(*files, [&](const NumberedFile& f) { return f.number < manifest->first_live_wal; });

  Findings findings;
  for (std::size_t i = 0; i < files->size(); ++i) {
    if (Status walked = WalkFile((*files)[i], i, *mark_key, findings); !walked) {
      return std::unexpected(walked.error());
    }
  }
  if (findings.damage && LostAPromise(findings, files->size(), *manifest)) {
    return MakeError(
        ErrorCode::kCorruption,
        fmt::format("{} is damaged at offset {} ({}) and had been synced up to sequence number "
                    "{}: writes that this node had promised to keep are lost, so it does not "
                    "start; restore the data directory, or replace the node",
                    (*files)[findings.damage->file].path.string(), findings.damage->offset,
                    findings.damage->what, *findings.durable_sequence));
  }
  return JudgedWal{.files = *std::move(files), .torn = std::move(findings.damage)};
}

}  // namespace

Result<std::optional<TornTail>> CheckWal(const fs::path& rocksdb_dir, const fs::path& torn_dir) {
  Result<std::optional<JudgedWal>> judged = JudgeWal(rocksdb_dir);
  if (!judged) return std::unexpected(judged.error());
  if (!judged->has_value()) return std::nullopt;
  JudgedWal& wal = **judged;
  std::optional<TornTail> cut;
  if (wal.torn) {
    Result<TornTail> torn =
        CutOffTornTail(wal.TornFiles(), wal.torn->offset, std::move(wal.torn->what), torn_dir);
    if (!torn) return std::unexpected(torn.error());
    cut = *std::move(torn);
    wal.files.resize(wal.torn->file + 1);
  }
  if (Status synced = SyncLogs(wal.files, rocksdb_dir); !synced) {
    return std::unexpected(synced.error());
  }
  return cut;
}

Result<std::optional<TornTail>> FindTornWal(const fs::path& rocksdb_dir) {
  Result<std::optional<JudgedWal>> judged = JudgeWal(rocksdb_dir);
  if (!judged) return std::unexpected(judged.error());
  if (!judged->has_value() || !(*judged)->torn) return std::nullopt;
  JudgedWal& wal = **judged;
  Result<TornTail> torn =
      DescribeTornTail(wal.TornFiles(), wal.torn->offset, std::move(wal.torn->what));
  if (!torn) return std::unexpected(torn.error());
  return *std::move(torn);
}

}  // namespace seshat
