// Compiled without RTTI: see wal_record.cc.
#include "bounded_file.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <string>
#include <utility>

namespace seshat {
namespace {

class BoundedFile : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  BoundedFile(std::unique_ptr<rocksdb::FSSequentialFile> file, std::uint64_t bytes)
      : FSSequentialFileOwnerWrapper(std::move(file)), left_(bytes) {}

  rocksdb::IOStatus Read(std::size_t bytes, const rocksdb::IOOptions& options,
                         rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* debug) override {
    const std::size_t shown = std::min<std::uint64_t>(bytes, left_);
    rocksdb::IOStatus read =
        FSSequentialFileOwnerWrapper::Read(shown, options, result, scratch, debug);
    if (read.ok()) left_ -= result->size();
    return read;
  }
  rocksdb::IOStatus Skip(std::uint64_t bytes) override {
    const std::uint64_t skipped = std::min(bytes, left_);
    left_ -= skipped;
    return FSSequentialFileOwnerWrapper::Skip(skipped);
  }

 private:
  std::uint64_t left_;
};

class BoundedFileSystem : public rocksdb::FileSystemWrapper {
 public:
  BoundedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base, std::string file,
                    std::uint64_t bytes)
      : FileSystemWrapper(base), file_(std::move(file)), bytes_(bytes) {}

  const char* Name() const override { return "SeshatBoundedFileSystem"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus opened = FileSystemWrapper::NewSequentialFile(name, options, result, debug);
    if (opened.ok() && std::filesystem::path(name).filename() == file_) {
      *result = std::make_unique<BoundedFile>(std::move(*result), bytes_);
    }
    return opened;
  }

 private:
  const std::string file_;
  const std::uint64_t bytes_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> MakeBoundedEnv(rocksdb::Env* base, const std::filesystem::path& file,
                                             std::uint64_t bytes) {
  return rocksdb::NewCompositeEnv(
      std::make_shared<BoundedFileSystem>(base->GetFileSystem(), file.filename().string(), bytes));
}

}  // namespace seshat
