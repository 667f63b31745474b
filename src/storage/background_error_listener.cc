// Compiled without RTTI: see wal_record.cc.
#include "background_error_listener.h"

#include <rocksdb/listener.h>

#include "rocks_status.h"

namespace seshat {
namespace {

// Threads: thread-safe.
class BackgroundErrorListener : public rocksdb::EventListener {
 public:
  explicit BackgroundErrorListener(StopSwitch& stop) : stop_(stop) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    stop_.Stop(ErrorFrom(*status, "RocksDB failed in the background"));
  }
  // Not even a full disk is retried: what a failed fsync left behind is not known.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*status*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  StopSwitch& stop_;
};

}  // namespace

std::shared_ptr<rocksdb::EventListener> MakeBackgroundErrorListener(StopSwitch& stop) {
  return std::make_shared<BackgroundErrorListener>(stop);
}

}  // namespace seshat
