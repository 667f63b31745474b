// Compiled without RTTI: see wal_record.cc.
#include "wal_file_system.h"

#include <rocksdb/file_system.h>

#include <utility>

#include "info_log.h"

namespace seshat {
namespace {

class WalFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit WalFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base)
      : FileSystemWrapper(base) {}

  const char* Name() const override { return "SeshatWalFileSystem"; }

  rocksdb::FileOptions OptimizeForLogWrite(const rocksdb::FileOptions& file_options,
                                           const rocksdb::DBOptions& db_options) const override {
    rocksdb::FileOptions options = FileSystemWrapper::OptimizeForLogWrite(file_options, db_options);
    options.fallocate_with_keep_size = false;
    return options;
  }

  rocksdb::IOStatus NewLogger(const std::string& path, const rocksdb::IOOptions& /*options*/,
                              std::shared_ptr<rocksdb::Logger>* result,
                              rocksdb::IODebugContext* /*dbg*/) override {
    *result = MakeInfoLog(*target(), path);
    return *result != nullptr ? rocksdb::IOStatus::OK()
                              : rocksdb::IOStatus::IOError("cannot make", path);
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> MakeWalEnv(rocksdb::Env* base,
                                         std::shared_ptr<SyncedManifest> manifest) {
  if (base == nullptr) base = rocksdb::Env::Default();
  return rocksdb::NewCompositeEnv(
      std::make_shared<WalFileSystem>(WatchManifest(base->GetFileSystem(), std::move(manifest))));
}

}  // namespace seshat
