#include "faulty_disk.h"

#include <rocksdb/env.h>

#include <string>
#include <tuple>
#include <utility>

#include "faulty_file_system.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

namespace fs = std::filesystem;

FaultyDisk* mounted = nullptr;

fs::path MakeRoot(fs::path root) {
  fs::create_directories(root);
  SESHAT_CHECK_MSG(root == fs::canonical(root), "the disk is reached by this name alone");
  return root;
}

}  // namespace

FileKind FileKindOf(const fs::path& path) {
  const std::string name = path.filename();
  if (name.ends_with(".log")) return FileKind::kLog;
  if (name.ends_with(".sst")) return FileKind::kTable;
  if (name.starts_with("MANIFEST")) return FileKind::kManifest;
  if (name == "CURRENT") return FileKind::kCurrent;
  return FileKind::kOther;
}

FaultyDisk::FaultyDisk(fs::path root)
    : unsynced_(MakeRoot(std::move(root))), env_(MakeFaultyEnv(*this)) {
  SESHAT_CHECK(mounted == nullptr);
  mounted = this;
}

FaultyDisk::~FaultyDisk() {
  mounted = nullptr;
}

FaultyDisk* FaultyDisk::Mounted() {
  return mounted;
}

rocksdb::Env* FaultyDisk::env() {
  return env_.get();
}

void FaultyDisk::Fail(FileKind kind, DiskOperation operation, int nth) {
  const MutexLock lock(mutex_);
  fault_ = {.kind = kind, .operation = operation};
  fault_error_ = std::errc::io_error;
  until_fault_ = nth;
  failed_ = false;
  syncs_after_failed_sync_ = 0;
}

void FaultyDisk::FailForLackOfSpace(FileKind kind, DiskOperation operation, int nth) {
  Fail(kind, operation, nth);
  const MutexLock lock(mutex_);
  fault_error_ = std::errc::no_space_on_device;
}

std::error_code FaultyDisk::Failure() const {
  return std::make_error_code(fault_error_);
}

bool FaultyDisk::has_failed() const {
  const MutexLock lock(mutex_);
  return failed_;
}

int FaultyDisk::syncs_after_failed_sync() const {
  const MutexLock lock(mutex_);
  return syncs_after_failed_sync_;
}

void FaultyDisk::HoldLogSyncs() {
  const MutexLock lock(mutex_);
  log_syncs_held_ = true;
}

void FaultyDisk::ReleaseLogSyncs() {
  const MutexLock lock(mutex_);
  log_syncs_held_ = false;
  released_.NotifyAll();
}

void FaultyDisk::CutPowerAt(int nth) {
  const MutexLock lock(mutex_);
  until_power_off_ = nth;
}

void FaultyDisk::CutPowerAtNext(FileKind kind, DiskOperation operation) {
  const MutexLock lock(mutex_);
  last_with_power_ = Fault{.kind = kind, .operation = operation};
}

void FaultyDisk::CutPower() {
  const MutexLock lock(mutex_);
  unsynced_.Freeze();
}

bool FaultyDisk::power_is_off() const {
  const MutexLock lock(mutex_);
  return unsynced_.frozen();
}

void FaultyDisk::Restart() {
  const MutexLock lock(mutex_);
  unsynced_.Thaw();
  until_fault_ = 0;
  until_power_off_ = 0;
  last_with_power_.reset();
}

void FaultyDisk::LoseUnsynced(Random& random) {
  const MutexLock lock(mutex_);
  unsynced_.Lose(random);
}

int FaultyDisk::count(FileKind kind, DiskOperation operation) const {
  const MutexLock lock(mutex_);
  const auto found = counts_.find({.kind = kind, .operation = operation});
  return found == counts_.end() ? 0 : found->second;
}

int FaultyDisk::operations() const {
  const MutexLock lock(mutex_);
  return operations_;
}

int FaultyDisk::log_syncs_waiting() const {
  const MutexLock lock(mutex_);
  return log_syncs_waiting_;
}

FaultyDisk::Fate FaultyDisk::NextFate(FileKind kind, DiskOperation operation) {
  const Fault now{.kind = kind, .operation = operation};
  ++operations_;
  ++counts_[now];
  if (until_power_off_ > 0 && --until_power_off_ == 0) return Fate::kPowerFails;
  if (last_with_power_ == now) return Fate::kPowerFails;
  if (until_fault_ > 0 && fault_ == now && --until_fault_ == 0) {
    failed_ = true;
    return Fate::kFails;
  }
  return Fate::kWorks;
}

std::error_code FaultyDisk::Run(FileKind kind, DiskOperation operation, const Change& change) {
  const Fate fate = NextFate(kind, operation);
  if (fate == Fate::kFails) return Failure();
  const std::error_code failure = change();
  if (fate == Fate::kPowerFails) unsynced_.Freeze();
  return failure;
}

bool FaultyDisk::Covers(const fs::path& path) const {
  const MutexLock lock(mutex_);
  return unsynced_.Covers(path);
}

std::error_code FaultyDisk::Create(const fs::path& path, const Change& change) {
  const MutexLock lock(mutex_);
  return Run(FileKindOf(path), DiskOperation::kCreate, [&]() SESHAT_REQUIRES(mutex_) {
    if (fs::exists(path)) std::ignore = unsynced_.Remove(path);
    const std::error_code failure = change();
    if (!failure) unsynced_.Created(path);
    return failure;
  });
}

void FaultyDisk::OpenToAppend(ino_t file, std::uint64_t length) {
  const MutexLock lock(mutex_);
  unsynced_.Opens(file, length);
}

std::error_code FaultyDisk::Append(FileKind kind, ino_t file, std::string_view data,
                                   const std::function<std::error_code(std::string_view)>& write) {
  const MutexLock lock(mutex_);
  const Fate fate = NextFate(kind, DiskOperation::kAppend);
  if (fate == Fate::kFails) data = data.substr(0, data.size() / 2);
  const std::error_code failure = write(data);
  if (!failure) unsynced_.Appended(file, data.size());
  if (fate == Fate::kPowerFails) unsynced_.Freeze();
  return fate == Fate::kFails ? Failure() : failure;
}

std::error_code FaultyDisk::Sync(FileKind kind, ino_t file,
                                 const std::function<std::uint64_t()>& length) {
  const MutexLock lock(mutex_);
  if (kind == FileKind::kLog) {
    ++log_syncs_waiting_;
    while (log_syncs_held_) released_.Wait(mutex_);
    --log_syncs_waiting_;
  }
  const Fate fate = NextFate(kind, DiskOperation::kSync);
  // A sync during which the power fails may have written any part: unsynced_ chooses one.
  if (fate == Fate::kPowerFails) unsynced_.Freeze();
  if (fate == Fate::kWorks) unsynced_.Synced(file, length());
  if (unsynced_.HasFailedSync(file)) ++syncs_after_failed_sync_;
  if (fate == Fate::kFails) unsynced_.SyncFailed(file);
  return fate == Fate::kFails ? Failure() : std::error_code();
}

std::error_code FaultyDisk::Truncate(const fs::path& path, std::uint64_t length,
                                     const Change& change) {
  const MutexLock lock(mutex_);
  return Run(FileKindOf(path), DiskOperation::kTruncate, [&]() SESHAT_REQUIRES(mutex_) {
    if (unsynced_.frozen()) return std::error_code();
    unsynced_.Truncates(path, length);
    return change();
  });
}

std::error_code FaultyDisk::Close(FileKind kind, const Change& change) {
  const MutexLock lock(mutex_);
  return Run(kind, DiskOperation::kClose, change);
}

std::error_code FaultyDisk::Rename(const fs::path& from, const fs::path& to) {
  const MutexLock lock(mutex_);
  return Run(FileKindOf(to), DiskOperation::kRename,
             [&]() SESHAT_REQUIRES(mutex_) { return unsynced_.Rename(from, to); });
}

std::error_code FaultyDisk::Remove(const fs::path& path) {
  const MutexLock lock(mutex_);
  return Run(FileKindOf(path), DiskOperation::kRemove,
             [&]() SESHAT_REQUIRES(mutex_) { return unsynced_.Remove(path); });
}

std::error_code FaultyDisk::MakeFolder(const fs::path& path, const Change& change) {
  const MutexLock lock(mutex_);
  return Run(FileKind::kFolder, DiskOperation::kCreate, [&]() SESHAT_REQUIRES(mutex_) {
    const std::error_code failure = change();
    if (!failure) unsynced_.Created(path);
    return failure;
  });
}

std::error_code FaultyDisk::Link(const fs::path& path, const Change& change) {
  const MutexLock lock(mutex_);
  return Run(FileKindOf(path), DiskOperation::kCreate, [&]() SESHAT_REQUIRES(mutex_) {
    const std::error_code failure = change();
    if (!failure) unsynced_.Linked(path);
    return failure;
  });
}

std::error_code FaultyDisk::SyncFolder(const fs::path& path) {
  const MutexLock lock(mutex_);
  const Fate fate = NextFate(FileKind::kFolder, DiskOperation::kSync);
  if (fate == Fate::kPowerFails) unsynced_.Freeze();
  if (fate == Fate::kWorks) unsynced_.FolderSynced(path);
  return fate == Fate::kFails ? Failure() : std::error_code();
}

}  // namespace seshat
