// Compiled without RTTI: see wal_record.cc.
#include "faulty_file_system.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

#include "faulty_disk.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

// A status through the disk and back: it may come from RocksDB's own file system.
// Threads: owned by its user.
class Passage {
 public:
  std::error_code Keep(IOStatus status) {
    status_ = std::move(status);
    return status_.ok() ? std::error_code() : std::make_error_code(std::errc::io_error);
  }
  IOStatus Result(const std::error_code& outcome, const std::string& path) const {
    if (!outcome || !status_.ok()) return status_;
    if (outcome == std::errc::no_such_file_or_directory) return IOStatus::PathNotFound(path);
    if (outcome == std::errc::no_space_on_device) return IOStatus::NoSpace("injected error", path);
    return IOStatus::IOError("injected error", path);
  }

 private:
  IOStatus status_;
};

struct stat FactsOf(const std::string& path) {
  struct stat facts{};
  SESHAT_CHECK(::stat(path.c_str(), &facts) == 0);
  return facts;
}

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<FSWritableFile> file, FaultyDisk& disk, const std::string& path)
      : FSWritableFileOwnerWrapper(std::move(file)),
        disk_(disk),
        path_(path),
        kind_(FileKindOf(path)),
        inode_(FactsOf(path).st_ino) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    Passage passage;
    const auto write = [&](std::string_view bytes) {
      return passage.Keep(FSWritableFileOwnerWrapper::Append(bytes, options, context));
    };
    return passage.Result(disk_.Append(kind_, inode_, data.ToStringView(), write), path_);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*verification*/,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const IOOptions&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("only direct I/O needs it");
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("only direct I/O needs it");
  }
  IOStatus Truncate(std::uint64_t bytes, const IOOptions& options,
                    IODebugContext* context) override {
    Passage passage;
    const auto change = [&] {
      return passage.Keep(FSWritableFileOwnerWrapper::Truncate(bytes, options, context));
    };
    return passage.Result(disk_.Truncate(path_, bytes, change), path_);
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    const auto length = [this] { return static_cast<std::uint64_t>(FactsOf(path_).st_size); };
    return Passage().Result(disk_.Sync(kind_, inode_, length), path_);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Sync(options, context);
  }
  // Only a hint to the disk: it makes nothing durable.
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions& options, IODebugContext* context) override {
    Passage passage;
    const auto change = [&] {
      return passage.Keep(FSWritableFileOwnerWrapper::Close(options, context));
    };
    return passage.Result(disk_.Close(kind_, change), path_);
  }

 private:
  FaultyDisk& disk_;
  const std::string path_;
  const FileKind kind_;
  const ino_t inode_;
};

class FaultyFolder : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyFolder(std::unique_ptr<FSDirectory> folder, FaultyDisk& disk, std::string path)
      : FSDirectoryWrapper(std::move(folder)), disk_(disk), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return Passage().Result(disk_.SyncFolder(path_), path_);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions& /*reason*/) override {
    return Fsync(options, context);
  }

 private:
  FaultyDisk& disk_;
  const std::string path_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(FaultyDisk& disk)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* context) override {
    Passage passage;
    const auto change = [&] {
      return passage.Keep(FileSystemWrapper::NewWritableFile(path, options, file, context));
    };
    if (!disk_.Covers(path)) {
      std::ignore = change();
      return passage.Result({}, path);
    }
    IOStatus status = passage.Result(disk_.Create(path, change), path);
    if (status.ok()) *file = std::make_unique<FaultyFile>(std::move(*file), disk_, path);
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<FSWritableFile>* file,
                              IODebugContext* context) override {
    IOStatus status = FileSystemWrapper::ReopenWritableFile(path, options, file, context);
    if (!status.ok() || !disk_.Covers(path)) return status;
    const struct stat facts = FactsOf(path);
    disk_.OpenToAppend(facts.st_ino, static_cast<std::uint64_t>(facts.st_size));
    *file = std::make_unique<FaultyFile>(std::move(*file), disk_, path);
    return status;
  }
  IOStatus ReuseWritableFile(const std::string&, const std::string&, const FileOptions&,
                             std::unique_ptr<FSWritableFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("log files are not recycled");
  }
  IOStatus NewRandomRWFile(const std::string&, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>*, IODebugContext*) override {
    return IOStatus::NotSupported("no file is written in place");
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<FSDirectory>* folder, IODebugContext* context) override {
    IOStatus status = FileSystemWrapper::NewDirectory(path, options, folder, context);
    if (status.ok()) {
      *folder = std::make_unique<FaultyFolder>(std::move(*folder), disk_, path);
    }
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options,
                      IODebugContext* context) override {
    if (!disk_.Covers(path)) return FileSystemWrapper::DeleteFile(path, options, context);
    return Passage().Result(disk_.Remove(path), path);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* context) override {
    if (!disk_.Covers(to)) return FileSystemWrapper::RenameFile(from, to, options, context);
    return Passage().Result(disk_.Rename(from, to), from);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* context) override {
    Passage passage;
    const auto change = [&] {
      return passage.Keep(FileSystemWrapper::LinkFile(from, to, options, context));
    };
    return passage.Result(disk_.Link(to, change), to);
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& options,
                     IODebugContext* context) override {
    Passage passage;
    const auto change = [&] {
      return passage.Keep(FileSystemWrapper::CreateDir(path, options, context));
    };
    return passage.Result(disk_.MakeFolder(path, change), path);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions& options,
                              IODebugContext* context) override {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0) return IOStatus::OK();
    return CreateDir(path, options, context);
  }
  IOStatus Truncate(const std::string& path, std::size_t bytes, const IOOptions& options,
                    IODebugContext* context) override {
    Passage passage;
    const auto change = [&] {
      return passage.Keep(FileSystemWrapper::Truncate(path, bytes, options, context));
    };
    return passage.Result(disk_.Truncate(path, bytes, change), path);
  }

 private:
  FaultyDisk& disk_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> MakeFaultyEnv(FaultyDisk& disk) {
  return rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(disk));
}

}  // namespace seshat
