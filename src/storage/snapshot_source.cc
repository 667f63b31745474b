#include "seshat/storage/snapshot_source.h"

#include <fmt/core.h>

#include <system_error>
#include <utility>

#include "read_only_database.h"
#include "rocks_options.h"
#include "rocks_snapshot.h"
#include "snapshot_folder.h"
#include "snapshot_metadata.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

// A folder has no name behind a slash.
fs::path WithoutLastSlash(const fs::path& folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

}  // namespace

class SnapshotSource::Impl {
 public:
  Impl(const fs::path& at, KeptMetadata metadata)
      : folder(at),
        options(StorageOptions{.data_dir = at}),
        snapshot(options, nullptr, std::make_shared<SnapshotFolder>(at, /*is_kept=*/true),
                 std::move(metadata)) {}

  const fs::path folder;
  const RocksOptions options;
  const RocksSnapshot snapshot;
};

SnapshotSource::SnapshotSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SnapshotSource::~SnapshotSource() = default;

Result<std::unique_ptr<SnapshotSource>> SnapshotSource::Open(const fs::path& folder) {
  const fs::path path = WithoutLastSlash(folder);
  std::error_code unknown;
  if (!fs::is_directory(path, unknown)) {
    return MakeError(ErrorCode::kNotFound, fmt::format("{} is no folder", path.string()));
  }
  if (path.string().ends_with(kPartialSuffix)) {
    return MakeError(
        ErrorCode::kFailedPrecondition,
        fmt::format("{} is a snapshot that was not finished, or is being removed", path.string()));
  }
  Result<KeptMetadata> metadata = ReadSnapshotMetadata(path);
  if (!metadata) return std::unexpected(metadata.error());
  return std::unique_ptr<SnapshotSource>(
      new SnapshotSource(std::make_unique<Impl>(path, *std::move(metadata))));
}

const Snapshot& SnapshotSource::snapshot() const {
  return impl_->snapshot;
}

void SnapshotSource::CheckTables(DirectoryFindings& findings) const {
  CheckTablesIn(impl_->options, impl_->folder, findings);
}

}  // namespace seshat
