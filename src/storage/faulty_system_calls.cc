// Our own files' door to a FaultyDisk: the system calls of posix_file.cc.
//
// In the storage tests the linker sends each call of `name` in our own code to `__wrap_name`
// (ld's --wrap), and `__real_name` is the system's. RocksDB and the standard library are shared
// libraries and go on as before. What lies outside the disk passes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "faulty_disk.h"

namespace {

namespace fs = std::filesystem;
using seshat::FaultyDisk;
using seshat::FileKindOf;

// Empty when there is no disk or `path` is not on it.
FaultyDisk* DiskOf(const fs::path& path) {
  FaultyDisk* const disk = FaultyDisk::Mounted();
  return disk != nullptr && disk->Covers(path) ? disk : nullptr;
}

fs::path PathOf(int fd) {
  std::error_code none;
  return fs::read_symlink("/proc/self/fd/" + std::to_string(fd), none);
}

struct stat FactsOf(int fd) {
  struct stat facts{};
  ::fstat(fd, &facts);
  return facts;
}

int Answer(const std::error_code& failure) {
  if (!failure) return 0;
  errno = failure.default_error_condition().value();
  return -1;
}

std::error_code Errno(bool failed) {
  return failed ? std::error_code(errno, std::generic_category()) : std::error_code();
}

}  // namespace

// The names are the linker's.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {

int __real_open(const char* path, int flags, ...);
ssize_t __real_write(int fd, const void* data, size_t bytes);
int __real_fsync(int fd);
int __real_ftruncate(int fd, off_t bytes);
int __real_rename(const char* from, const char* to);
int __real_link(const char* from, const char* to);
int __real_unlink(const char* path);
int __real_mkdir(const char* path, mode_t mode);
int __real_rmdir(const char* path);

int __wrap_open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  FaultyDisk* const disk = DiskOf(path);
  if (disk == nullptr || (flags & O_CREAT) == 0) return __real_open(path, flags, mode);
  int fd = -1;
  const auto change = [&] {
    fd = __real_open(path, flags, mode);
    return Errno(fd < 0);
  };
  return Answer(disk->Create(path, change)) == 0 ? fd : -1;
}

ssize_t __wrap_write(int fd, const void* data, size_t bytes) {
  const fs::path path = PathOf(fd);
  FaultyDisk* const disk = DiskOf(path);
  if (disk == nullptr) return __real_write(fd, data, bytes);
  const auto write = [&](std::string_view part) {
    return Errno(__real_write(fd, part.data(), part.size()) < 0);
  };
  const std::string_view all(static_cast<const char*>(data), bytes);
  const std::error_code failure = disk->Append(FileKindOf(path), FactsOf(fd).st_ino, all, write);
  return Answer(failure) == 0 ? static_cast<ssize_t>(bytes) : -1;
}

int __wrap_fsync(int fd) {
  const fs::path path = PathOf(fd);
  FaultyDisk* const disk = DiskOf(path);
  if (disk == nullptr) return __real_fsync(fd);
  const struct stat facts = FactsOf(fd);
  if (S_ISDIR(facts.st_mode)) return Answer(disk->SyncFolder(path));
  const auto length = [&] { return static_cast<std::uint64_t>(facts.st_size); };
  return Answer(disk->Sync(FileKindOf(path), facts.st_ino, length));
}

int __wrap_ftruncate(int fd, off_t bytes) {
  const fs::path path = PathOf(fd);
  FaultyDisk* const disk = DiskOf(path);
  if (disk == nullptr) return __real_ftruncate(fd, bytes);
  const auto change = [&] { return Errno(__real_ftruncate(fd, bytes) != 0); };
  return Answer(disk->Truncate(path, static_cast<std::uint64_t>(bytes), change));
}

int __wrap_rename(const char* from, const char* to) {
  FaultyDisk* const disk = DiskOf(to);
  return disk == nullptr ? __real_rename(from, to) : Answer(disk->Rename(from, to));
}

int __wrap_link(const char* from, const char* to) {
  FaultyDisk* const disk = DiskOf(to);
  if (disk == nullptr) return __real_link(from, to);
  const auto change = [&] { return Errno(__real_link(from, to) != 0); };
  return Answer(disk->Link(to, change));
}

int __wrap_unlink(const char* path) {
  FaultyDisk* const disk = DiskOf(path);
  return disk == nullptr ? __real_unlink(path) : Answer(disk->Remove(path));
}

int __wrap_mkdir(const char* path, mode_t mode) {
  FaultyDisk* const disk = DiskOf(path);
  if (disk == nullptr) return __real_mkdir(path, mode);
  const auto change = [&] { return Errno(__real_mkdir(path, mode) != 0); };
  return Answer(disk->MakeFolder(path, change));
}

int __wrap_rmdir(const char* path) {
  FaultyDisk* const disk = DiskOf(path);
  if (disk == nullptr) return __real_rmdir(path);
  return Answer(disk->Remove(path));
}

// RocksDB waits a second after a failed flush or compaction, for the retry that we decline.
int usleep(useconds_t /*microseconds*/) {
  return 0;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
