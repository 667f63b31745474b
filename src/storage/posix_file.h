// Files with their durability spelled out: the few system calls that the standard library hides.
//
// Not for RocksDB's files while it has them open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seshat/base/error.h"

namespace seshat {

// An open file descriptor, closed at the end of its life.
// Threads: owned by its user.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// "`what` `path`: <the system's text for errno>". kResourceExhausted when the disk is full, else
// kIo: where a function's contract says kIo, it may be either.
std::unexpected<Error> SystemError(std::string_view what, const std::filesystem::path& path);

Result<FileDescriptor> OpenForReading(const std::filesystem::path& path);

// Up to `bytes` from `offset`; fewer only at the end of the file. Errors: kIo.
Status ReadAt(const FileDescriptor& file, const std::filesystem::path& path, std::uint64_t offset,
              std::size_t bytes, std::string& out);

// Empty when the file does not exist. Errors: kIo; kCorruption when larger than `bytes_max`.
Result<std::optional<std::string>> ReadSmallFile(const std::filesystem::path& path,
                                                 std::size_t bytes_max);

// Makes a file that is not there yet. Durability: the file is synced at return, its name is not.
Status WriteFileSynced(const std::filesystem::path& path, std::string_view content);

// Durability: file and folder are synced at return; a crash leaves the old file or the new one.
Status ReplaceFile(const std::filesystem::path& path, std::string_view content);

// Where the zeros begin in which the file ends; its size when it ends otherwise. Errors: kIo.
Result<std::uint64_t> BytesBeforeZeros(const std::filesystem::path& path);

// Durability: synced at return. The copy has at most `bytes_max`.
Status CopyFileSynced(const std::filesystem::path& from, const std::filesystem::path& to,
                      std::uint64_t bytes_max);
Status TruncateFileSynced(const std::filesystem::path& path, std::uint64_t bytes);
Status SyncFile(const std::filesystem::path& path);
Status SyncFolder(const std::filesystem::path& folder);
// Durability: none at return.
Status RemoveFile(const std::filesystem::path& path);
Status LinkFile(const std::filesystem::path& from, const std::filesystem::path& to);
// Pre: nothing is at `to`.
Status RenameFolder(const std::filesystem::path& from, const std::filesystem::path& to);
// With the files in it. Pre: no folder is.
Status RemoveFolder(const std::filesystem::path& folder);

// The names in the folder, ascending. Errors: kIo.
Result<std::vector<std::string>> ListFolder(const std::filesystem::path& folder);

// Makes the folder and its parents when missing. Durability: its entry in its parent is synced, and
// those of the parents that it made.
Status MakeFolder(const std::filesystem::path& folder);

}  // namespace seshat
