// Two processes on one data directory would destroy it: the first takes <data_dir>/LOCK.
//
// RocksDB has a lock of its own, but the check of its write-ahead log and IDENTITY come earlier.
#pragma once

#include <filesystem>

#include "posix_file.h"
#include "seshat/base/error.h"

namespace seshat {

// Held for its lifetime; the kernel releases it when the process dies.
// Threads: immutable.
class DirectoryLock {
 public:
  // Errors: kFailedPrecondition when it is taken; kIo.
  static Result<DirectoryLock> Take(const std::filesystem::path& data_dir);

 private:
  explicit DirectoryLock(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace seshat
