#include "wal_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "manifest_probe.h"
#include "posix_file.h"
#include "wal_reader.h"
#include "wal_record.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTornTailsKept = 2;
constexpr std::size_t kIdentityBytesMax = 4096;

struct WalFile {
  std::uint64_t number = 0;
  fs::path path;
};

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

Result<std::vector<WalFile>> ListFiles(const fs::path& rocksdb_dir, std::string_view extension) {
  std::vector<WalFile> files;
  std::error_code failure;
  for (fs::directory_iterator it(rocksdb_dir, failure), end; !failure && it != end;
       it.increment(failure)) {
    if (it->path().extension() != extension) continue;
    const std::string stem = it->path().stem();
    WalFile file{.number = 0, .path = it->path()};
    const auto [rest, error] = std::from_chars(stem.data(), stem.data() + stem.size(), file.number);
    if (error == std::errc() && rest == stem.data() + stem.size()) files.push_back(file);
  }
  if (failure) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot list the folder {}: {}",
                                                 rocksdb_dir.string(), failure.message()));
  }
  std::ranges::sort(files, {}, &WalFile::number);
  return files;
}

Result<std::uint64_t> ReadMarkKey(const fs::path& rocksdb_dir) {
  const fs::path path = rocksdb_dir / "IDENTITY";
  Result<std::optional<std::string>> identity = ReadSmallFile(path, kIdentityBytesMax);
  if (!identity) return std::unexpected(identity.error());
  if (!identity->has_value()) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("{} is missing: without it the write-ahead log cannot be checked",
                                 path.string()));
  }
  return MarkKeyOf((*identity)->substr(0, (*identity)->find('\n')));
}

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

Status WalkFile(const WalFile& wal, std::size_t file, std::uint64_t mark_key, Findings& findings) {
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

Status ForgetOldTornTails(const fs::path& torn_dir) {
  std::vector<fs::path> kept;
  std::error_code failure;
  for (fs::directory_iterator it(torn_dir, failure), end; !failure && it != end;
       it.increment(failure)) {
    kept.push_back(it->path());
  }
  std::ranges::sort(kept);
  while (!failure && kept.size() > kTornTailsKept) {
    fs::remove_all(kept.front(), failure);
    kept.erase(kept.begin());
  }
  if (failure) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot clean up {}: {}", torn_dir.string(), failure.message()));
  }
  return {};
}

struct KeptAside {
  fs::path folder;
  std::uint64_t bytes = 0;
};

// Copies the damaged file and the later ones to a new folder in `torn_dir`, each without the zeros
// that it ends in.
Result<KeptAside> KeepAside(const std::vector<WalFile>& files, std::size_t first,
                            const fs::path& torn_dir) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  KeptAside kept{.folder = torn_dir / fmt::format("{:015}", now_ms), .bytes = 0};
  if (Status made = MakeFolder(kept.folder); !made) return std::unexpected(made.error());
  for (std::size_t i = first; i < files.size(); ++i) {
    const fs::path copy = kept.folder / files[i].path.filename();
    Result<std::uint64_t> bytes = BytesBeforeZeros(files[i].path);
    if (!bytes) return std::unexpected(bytes.error());
    if (Status copied = CopyFileSynced(files[i].path, copy, *bytes); !copied) {
      return std::unexpected(copied.error());
    }
    kept.bytes += *bytes;
  }
  if (Status synced = SyncFolder(kept.folder); !synced) return std::unexpected(synced.error());
  return kept;
}

Result<TornTail> CutOff(const std::vector<WalFile>& files, const Damage& damage,
                        const fs::path& torn_dir) {
  const WalFile& damaged = files[damage.file];
  Result<KeptAside> kept = KeepAside(files, damage.file, torn_dir);
  if (!kept) return std::unexpected(kept.error());
  TornTail torn{.file = damaged.path,
                .offset = damage.offset,
                .bytes_dropped = kept->bytes - std::min(kept->bytes, damage.offset),
                .kept_aside = kept->folder,
                .damage = damage.what};
  std::error_code failure;
  // From the end, so that a crash in between leaves a log without holes.
  for (std::size_t i = files.size(); --i > damage.file;) {
    fs::remove(files[i].path, failure);
    if (failure) {
      return MakeError(ErrorCode::kIo, fmt::format("cannot remove {}: {}", files[i].path.string(),
                                                   failure.message()));
    }
  }
  Status done = TruncateFileSynced(damaged.path, damage.offset);
  if (done) done = SyncFolder(damaged.path.parent_path());
  if (done) done = ForgetOldTornTails(torn_dir);
  if (!done) return std::unexpected(done.error());
  return torn;
}

// A database's folder without its CURRENT file would be opened as a new, empty one.
Status RefuseLostDatabase(const fs::path& rocksdb_dir) {
  for (const std::string_view extension : {".log", ".sst"}) {
    Result<std::vector<WalFile>> files = ListFiles(rocksdb_dir, extension);
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

}  // namespace

Result<std::optional<TornTail>> CheckWal(const fs::path& rocksdb_dir, const fs::path& torn_dir) {
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
  Result<std::vector<WalFile>> files = ListFiles(rocksdb_dir, ".log");
  if (!files) return std::unexpected(files.error());
  std::erase_if(*files, [&](const WalFile& f) { return f.number < manifest->first_live_wal; });

  Findings findings;
  for (std::size_t i = 0; i < files->size(); ++i) {
    if (Status walked = WalkFile((*files)[i], i, *mark_key, findings); !walked) {
      return std::unexpected(walked.error());
    }
  }
  if (!findings.damage) return std::nullopt;
  if (LostAPromise(findings, files->size(), *manifest)) {
    return MakeError(
        ErrorCode::kCorruption,
        fmt::format("{} is damaged at offset {} ({}) and had been synced up to sequence number "
                    "{}: writes that this node had promised to keep are lost, so it does not "
                    "start; restore the data directory, or replace the node",
                    (*files)[findings.damage->file].path.string(), findings.damage->offset,
                    findings.damage->what, *findings.durable_sequence));
  }
  Result<TornTail> torn = CutOff(*files, *findings.damage, torn_dir);
  if (!torn) return std::unexpected(torn.error());
  return *std::move(torn);
}

}  // namespace seshat
