#include "torn_tail.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "posix_file.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTornTailsKept = 2;

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

// Copies the files to a new folder in `torn_dir`, each without the zeros that it ends in.
Result<KeptAside> KeepAside(const std::vector<fs::path>& files, const fs::path& torn_dir) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  KeptAside kept{.folder = torn_dir / fmt::format("{:015}", now_ms), .bytes = 0};
  if (Status made = MakeFolder(kept.folder); !made) return std::unexpected(made.error());
  for (const fs::path& file : files) {
    Result<std::uint64_t> bytes = BytesBeforeZeros(file);
    if (!bytes) return std::unexpected(bytes.error());
    if (Status copied = CopyFileSynced(file, kept.folder / file.filename(), *bytes); !copied) {
      return std::unexpected(copied.error());
    }
    kept.bytes += *bytes;
  }
  if (Status synced = SyncFolder(kept.folder); !synced) return std::unexpected(synced.error());
  return kept;
}

}  // namespace

Result<TornTail> DescribeTornTail(const std::vector<fs::path>& files, std::uint64_t offset,
                                  std::string damage) {
  SESHAT_CHECK(!files.empty());
  std::uint64_t bytes = 0;
  for (const fs::path& file : files) {
    Result<std::uint64_t> size = BytesBeforeZeros(file);
    if (!size) return std::unexpected(size.error());
    bytes += *size;
  }
  return TornTail{.file = files.front(),
                  .offset = offset,
                  .bytes_dropped = bytes - std::min(bytes, offset),
                  .kept_aside = {},
                  .damage = std::move(damage)};
}

Result<TornTail> CutOffTornTail(const std::vector<fs::path>& files, std::uint64_t offset,
                                std::string damage, const fs::path& torn_dir) {
  SESHAT_CHECK(!files.empty());
  const fs::path& damaged = files.front();
  Result<KeptAside> kept = KeepAside(files, torn_dir);
  if (!kept) return std::unexpected(kept.error());
  // From the end, so that a crash in between leaves a log without holes.
  for (std::size_t i = files.size(); --i > 0;) {
    if (Status removed = RemoveFile(files[i]); !removed) return std::unexpected(removed.error());
  }
  Status done = TruncateFileSynced(damaged, offset);
  if (done) done = SyncFolder(damaged.parent_path());
  if (done) done = ForgetOldTornTails(torn_dir);
  if (!done) return std::unexpected(done.error());
  return TornTail{.file = damaged,
                  .offset = offset,
                  .bytes_dropped = kept->bytes - std::min(kept->bytes, offset),
                  .kept_aside = kept->folder,
                  .damage = std::move(damage)};
}

}  // namespace seshat
