// Compiled without RTTI: see wal_record.cc.
#include "faulty_disk.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <string>
#include <utility>

#include "seshat/base/mutex.h"

namespace seshat {

// Threads: thread-safe.
class FaultyDisk::State {
 public:
  std::atomic<bool> fail_log_syncs = false;
  std::atomic<bool> fail_log_writes = false;
  std::atomic<bool> fail_table_writes = false;
  std::atomic<int> log_syncs_started = 0;
  std::atomic<int> log_syncs_waiting = 0;

  void Hold(bool hold) {
    const MutexLock lock(mutex_);
    held_ = hold;
    changed_.NotifyAll();
  }
  void WaitWhileHeld() {
    const MutexLock lock(mutex_);
    ++log_syncs_waiting;
    while (held_) changed_.Wait(mutex_);
    --log_syncs_waiting;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool held_ SESHAT_GUARDED_BY(mutex_) = false;
};

namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<FSWritableFile> file, std::shared_ptr<FaultyDisk::State> state,
             bool is_log)
      : FSWritableFileOwnerWrapper(std::move(file)), state_(std::move(state)), is_log_(is_log) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* context) override {
    if (WritesFail()) return IOStatus::IOError("injected write error");
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* context) override {
    if (WritesFail()) return IOStatus::IOError("injected write error");
    return FSWritableFileOwnerWrapper::Append(data, options, verification, context);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    if (is_log_) {
      ++state_->log_syncs_started;
      state_->WaitWhileHeld();
      if (state_->fail_log_syncs) return IOStatus::IOError("injected sync error");
    }
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }

 private:
  bool WritesFail() const {
    return is_log_ ? state_->fail_log_writes.load() : state_->fail_table_writes.load();
  }

  const std::shared_ptr<FaultyDisk::State> state_;
  const bool is_log_;
};

class FaultyFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(std::shared_ptr<FaultyDisk::State> state)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), state_(std::move(state)) {}

  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file,
                           IODebugContext* context) override {
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, context);
    const bool is_log = path.ends_with(".log");
    if (status.ok() && (is_log || path.ends_with(".sst"))) {
      *file = std::make_unique<FaultyFile>(std::move(*file), state_, is_log);
    }
    return status;
  }

 private:
  const std::shared_ptr<FaultyDisk::State> state_;
};

}  // namespace

FaultyDisk::FaultyDisk()
    : state_(std::make_shared<State>()),
      env_(rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(state_))) {}

FaultyDisk::~FaultyDisk() = default;

rocksdb::Env* FaultyDisk::env() {
  return env_.get();
}

void FaultyDisk::FailLogSyncs() {
  state_->fail_log_syncs = true;
}

void FaultyDisk::FailLogWrites() {
  state_->fail_log_writes = true;
}

void FaultyDisk::FailTableWrites() {
  state_->fail_table_writes = true;
}

void FaultyDisk::HoldLogSyncs() {
  state_->Hold(true);
}

void FaultyDisk::ReleaseLogSyncs() {
  state_->Hold(false);
}

int FaultyDisk::log_syncs_started() const {
  return state_->log_syncs_started;
}

int FaultyDisk::log_syncs_waiting() const {
  return state_->log_syncs_waiting;
}

}  // namespace seshat
