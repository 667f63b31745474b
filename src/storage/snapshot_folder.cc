#include "snapshot_folder.h"

#include <tuple>
#include <utility>

#include "posix_file.h"

namespace seshat {

SnapshotFolder::~SnapshotFolder() {
  std::error_code ignored;
  if (is_kept_ || !std::filesystem::exists(path_, ignored)) return;
  std::ignore = RemoveSnapshotFolder(path_);
}

Status SnapshotFolder::Rename(std::filesystem::path to) {
  if (Status renamed = RenameFolder(path_, to); !renamed) return renamed;
  path_ = std::move(to);
  return SyncFolder(path_.parent_path());
}

Status RemoveSnapshotFolder(const std::filesystem::path& path) {
  if (path.string().ends_with(kPartialSuffix)) return RemoveFolder(path);
  std::filesystem::path partial = path;
  partial += kPartialSuffix;
  // Before its files go: after a crash it must not pass for a whole one.
  if (Status renamed = RenameFolder(path, partial); !renamed) return renamed;
  if (Status synced = SyncFolder(path.parent_path()); !synced) return synced;
  return RemoveFolder(partial);
}

}  // namespace seshat
