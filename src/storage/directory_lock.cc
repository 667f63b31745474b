#include "directory_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace seshat {

Result<DirectoryLock> DirectoryLock::Take(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = data_dir / "LOCK";
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return SystemError("cannot open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return DirectoryLock(std::move(file));
  if (errno != EWOULDBLOCK) return SystemError("cannot lock", path);
  return MakeError(ErrorCode::kFailedPrecondition,
                   fmt::format("data directory {} is in use by another process: stop that one, or "
                               "give this node a directory of its own",
                               data_dir.string()));
}

}  // namespace seshat
