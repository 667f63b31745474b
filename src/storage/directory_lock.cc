#include "directory_lock.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace seshat {
namespace {

constexpr std::string_view kFileName = "LOCK";

}  // namespace

Result<DirectoryLock> DirectoryLock::Take(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = data_dir / kFileName;
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return SystemError("cannot open", path);
  return Lock(std::move(file), LOCK_EX, data_dir,
              "stop that one, or give this node a directory of its own");
}

Result<DirectoryLock> DirectoryLock::Share(const std::filesystem::path& data_dir) {
  const std::filesystem::path path = data_dir / kFileName;
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return DirectoryLock(FileDescriptor());
  if (file.get() < 0) return SystemError("cannot open", path);
  return Lock(std::move(file), LOCK_SH, data_dir, "stop the node first");
}

Result<DirectoryLock> DirectoryLock::Lock(FileDescriptor file, int operation,
                                          const std::filesystem::path& data_dir,
                                          std::string_view remedy) {
  if (::flock(file.get(), operation | LOCK_NB) == 0) return DirectoryLock(std::move(file));
  if (errno != EWOULDBLOCK) return SystemError("cannot lock", data_dir / kFileName);
  return MakeError(
      ErrorCode::kFailedPrecondition,
      fmt::format("data directory {} is in use by another process: {}", data_dir.string(), remedy));
}

}  // namespace seshat
