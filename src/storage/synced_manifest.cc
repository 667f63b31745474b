// Compiled without RTTI: see wal_record.cc.
#include "synced_manifest.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include "rocksdb_files.h"

namespace seshat {
namespace {

using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class WatchedManifest : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedManifest(std::unique_ptr<FSWritableFile> file, std::uint64_t number,
                  std::shared_ptr<SyncedManifest> synced)
      : FSWritableFileOwnerWrapper(std::move(file)), number_(number), synced_(std::move(synced)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    bytes_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    bytes_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, verification, context);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    const ManifestPosition covered{.number = number_, .bytes = bytes_};
    IOStatus status = FSWritableFileOwnerWrapper::Sync(options, context);
    if (status.ok()) synced_->Advance(covered);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    const ManifestPosition covered{.number = number_, .bytes = bytes_};
    IOStatus status = FSWritableFileOwnerWrapper::Fsync(options, context);
    if (status.ok()) synced_->Advance(covered);
    return status;
  }

 private:
  const std::uint64_t number_;
  const std::shared_ptr<SyncedManifest> synced_;
  std::atomic<std::uint64_t> bytes_ = 0;
};

class ManifestWatchingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  ManifestWatchingFileSystem(std::shared_ptr<rocksdb::FileSystem> base,
                             std::shared_ptr<SyncedManifest> synced)
      : FileSystemWrapper(base), synced_(std::move(synced)) {}

  const char* Name() const override { return "SeshatManifestWatchingFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* context) override {
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, context);
    const std::optional<std::uint64_t> number = ManifestNumber(path);
    if (status.ok() && number) {
      *file = std::make_unique<WatchedManifest>(std::move(*file), *number, synced_);
    }
    return status;
  }

 private:
  const std::shared_ptr<SyncedManifest> synced_;
};

}  // namespace

ManifestPosition SyncedManifest::position() const {
  const MutexLock lock(mutex_);
  return position_;
}

void SyncedManifest::Advance(ManifestPosition to) {
  const MutexLock lock(mutex_);
  position_ = std::max(position_, to);
}

std::shared_ptr<rocksdb::FileSystem> WatchManifest(std::shared_ptr<rocksdb::FileSystem> base,
                                                   std::shared_ptr<SyncedManifest> synced) {
  return std::make_shared<ManifestWatchingFileSystem>(std::move(base), std::move(synced));
}

}  // namespace seshat
