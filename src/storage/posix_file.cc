#include "posix_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace seshat {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

Status WriteAll(const FileDescriptor& file, const std::filesystem::path& path,
                std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("cannot write", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status Sync(const FileDescriptor& file, const std::filesystem::path& path) {
  if (::fsync(file.get()) != 0) return SystemError("cannot sync", path);
  return {};
}

Result<FileDescriptor> CreateNew(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError("cannot create", path);
  return FileDescriptor(fd);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<Error> SystemError(std::string_view what, const std::filesystem::path& path) {
  const std::error_code error(errno, std::generic_category());
  const bool is_full =
      error == std::errc::no_space_on_device || error == std::error_code(EDQUOT, error.category());
  return MakeError(is_full ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
                   fmt::format("{} {}: {}", what, path.string(), error.message()));
}

Result<FileDescriptor> OpenForReading(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return SystemError("cannot open", path);
  return FileDescriptor(fd);
}

Status ReadAt(const FileDescriptor& file, const std::filesystem::path& path, std::uint64_t offset,
              std::size_t bytes, std::string& out) {
  out.resize(bytes);
  std::size_t filled = 0;
  while (filled < bytes) {
    const ssize_t got = ::pread(file.get(), out.data() + filled, bytes - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read", path);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  out.resize(filled);
  return {};
}

Result<std::optional<std::string>> ReadSmallFile(const std::filesystem::path& path,
                                                 std::size_t bytes_max) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::nullopt;
  if (fd < 0) return SystemError("cannot open", path);
  const FileDescriptor file(fd);
  std::string content;
  if (Status read = ReadAt(file, path, 0, bytes_max + 1, content); !read) {
    return std::unexpected(read.error());
  }
  if (content.size() > bytes_max) {
    return MakeError(ErrorCode::kCorruption, fmt::format("{} is larger than {} bytes, the most "
                                                         "that it may have",
                                                         path.string(), bytes_max));
  }
  return content;
}

Status WriteFileSynced(const std::filesystem::path& path, std::string_view content) {
  Result<FileDescriptor> file = CreateNew(path);
  if (!file) return std::unexpected(file.error());
  if (Status written = WriteAll(*file, path, content); !written) return written;
  return Sync(*file, path);
}

Status ReplaceFile(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path temporary = path;
  temporary += ".new";
  if (Status written = WriteFileSynced(temporary, content); !written) return written;
  if (::rename(temporary.c_str(), path.c_str()) != 0) return SystemError("cannot replace", path);
  return SyncFolder(path.parent_path());
}

Result<std::uint64_t> BytesBeforeZeros(const std::filesystem::path& path) {
  Result<FileDescriptor> file = OpenForReading(path);
  if (!file) return std::unexpected(file.error());
  struct stat facts{};
  if (::fstat(file->get(), &facts) != 0) return SystemError("cannot ask for the size of", path);
  std::string chunk;
  for (auto end = static_cast<std::uint64_t>(facts.st_size); end > 0;) {
    const std::size_t bytes = std::min<std::uint64_t>(kChunkBytes, end);
    if (Status read = ReadAt(*file, path, end - bytes, bytes, chunk); !read) {
      return std::unexpected(read.error());
    }
    end -= bytes;
    const std::size_t last = chunk.find_last_not_of('\0');
    if (last != std::string::npos) return end + last + 1;
  }
  return 0;
}

Status CopyFileSynced(const std::filesystem::path& from, const std::filesystem::path& to,
                      std::uint64_t bytes_max) {
  Result<FileDescriptor> source = OpenForReading(from);
  if (!source) return std::unexpected(source.error());
  Result<FileDescriptor> target = CreateNew(to);
  if (!target) return std::unexpected(target.error());
  std::string chunk;
  for (std::uint64_t offset = 0; offset < bytes_max; offset += chunk.size()) {
    const std::size_t bytes = std::min<std::uint64_t>(kChunkBytes, bytes_max - offset);
    if (Status read = ReadAt(*source, from, offset, bytes, chunk); !read) return read;
    if (chunk.empty()) break;
    if (Status written = WriteAll(*target, to, chunk); !written) return written;
  }
  return Sync(*target, to);
}

Status TruncateFileSynced(const std::filesystem::path& path, std::uint64_t bytes) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return SystemError("cannot open", path);
  if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    return SystemError("cannot truncate", path);
  }
  return Sync(file, path);
}

Status SyncFile(const std::filesystem::path& path) {
  Result<FileDescriptor> file = OpenForReading(path);
  if (!file) return std::unexpected(file.error());
  return Sync(*file, path);
}

Status SyncFolder(const std::filesystem::path& folder) {
  const std::filesystem::path name = folder.empty() ? "." : folder;
  const FileDescriptor handle(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() < 0) return SystemError("cannot open", name);
  return Sync(handle, name);
}

Status RemoveFile(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0) return SystemError("cannot remove", path);
  return {};
}

Status LinkFile(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return SystemError("cannot make the link", to);
  return {};
}

Status RenameFolder(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("cannot rename to", to);
  return {};
}

Status RemoveFolder(const std::filesystem::path& folder) {
  Result<std::vector<std::string>> names = ListFolder(folder);
  if (!names) return std::unexpected(names.error());
  for (const std::string& name : *names) {
    if (Status removed = RemoveFile(folder / name); !removed) return removed;
  }
  if (::rmdir(folder.c_str()) != 0) return SystemError("cannot remove the folder", folder);
  return {};
}

Result<std::vector<std::string>> ListFolder(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (std::filesystem::directory_iterator it(folder, failure), end; !failure && it != end;
       it.increment(failure)) {
    names.push_back(it->path().filename());
  }
  if (failure) {
    return MakeError(ErrorCode::kIo, fmt::format("cannot list the folder {}: {}", folder.string(),
                                                 failure.message()));
  }
  std::ranges::sort(names);
  return names;
}

Status MakeFolder(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  const std::filesystem::path parent = folder.parent_path();
  std::error_code failure;
  if (std::filesystem::is_directory(folder, failure)) {
    // Whoever made it may have died before its sync. A parent that we may not read we did not use.
    return ::access(parent.empty() ? "." : parent.c_str(), R_OK) == 0 ? SyncFolder(parent)
                                                                      : Status();
  }
  if (Status above = MakeFolder(parent); !above) return above;
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
    return SystemError("cannot make the folder", folder);
  }
  return SyncFolder(parent);
}

}  // namespace seshat
