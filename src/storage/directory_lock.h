// Two processes on one data directory would destroy it: the first takes <data_dir>/LOCK.
//
// RocksDB has a lock of its own, but the check of its write-ahead log and IDENTITY come earlier.
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "posix_file.h"
#include "seshat/base/error.h"

namespace seshat {

// Held for its lifetime; the kernel releases it when the process dies.
// Threads: immutable.
class DirectoryLock {
 public:
  // Errors: kFailedPrecondition when it is taken; kIo.
  static Result<DirectoryLock> Take(const std::filesystem::path& data_dir);
  // For reading alone, with other readers; nobody takes it meanwhile. Makes no file: where there is
  // no LOCK, nobody has ever held it, and nothing is held.
  // Errors: as Take.
  static Result<DirectoryLock> Share(const std::filesystem::path& data_dir);

 private:
  explicit DirectoryLock(FileDescriptor file) : file_(std::move(file)) {}
  static Result<DirectoryLock> Lock(FileDescriptor file, int operation,
                                    const std::filesystem::path& data_dir, std::string_view remedy);

  FileDescriptor file_;
};

}  // namespace seshat
