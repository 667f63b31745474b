// A disk for tests that fails, stalls, or loses its power on command.
//
// RocksDB reaches it through env(), our own files through the system calls that the linker sends
// here in the storage tests (faulty_system_calls.cc). It can fail any operation but reads, hold
// syncs of the write-ahead log, and lose at a power failure whatever was not synced
// (unsynced_changes.h). A sync makes nothing reach a real disk. It cannot damage what is durable,
// and never touches reads, locks and RocksDB's info logs.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "seshat/base/mutex.h"
#include "seshat/base/random.h"
#include "unsynced_changes.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace seshat {

enum class FileKind { kLog, kTable, kManifest, kCurrent, kFolder, kOther };
enum class DiskOperation { kCreate, kAppend, kSync, kTruncate, kClose, kRename, kRemove };

// What of the database or of ours `path` is, by its name.
FileKind FileKindOf(const std::filesystem::path& path);

// One at a time in a process.
// Threads: thread-safe. Lifetime: outlives the engine that runs on it.
class FaultyDisk {
 public:
  // `root`: the folder that the disk holds, absolute and without links; made when missing.
  explicit FaultyDisk(std::filesystem::path root);
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  rocksdb::Env* env();
  // The disk of this process; null when there is none.
  static FaultyDisk* Mounted();

  // The `nth` (1 and up) such operation from now on fails, those behind it do not. An append that
  // fails has written half of its bytes; of a sync that fails see unsynced_changes.h.
  void Fail(FileKind kind, DiskOperation operation, int nth = 1);
  // The same, with the error of a full disk.
  void FailForLackOfSpace(FileKind kind, DiskOperation operation, int nth = 1);
  // Whether that operation has come.
  bool has_failed() const;
  // How often a file whose sync had failed was synced again.
  int syncs_after_failed_sync() const;
  // Syncs of the write-ahead log wait before they begin, until ReleaseLogSyncs.
  void HoldLogSyncs();
  void ReleaseLogSyncs();

  // The power fails in the middle of the `nth` (1 and up) operation from now on. The process does
  // not notice: what it does from then on seems to work and is taken back by Restart.
  void CutPowerAt(int nth);
  // The same, in the middle of the next such operation.
  void CutPowerAtNext(FileKind kind, DiskOperation operation);
  void CutPower();
  bool power_is_off() const;
  // Ends all faults. After this alone only the process died: nothing that it had done is lost.
  // Pre: nobody has a file open.
  void Restart();
  // Forgets what a power failure may forget. Pre: nobody has a file open; the power is on.
  void LoseUnsynced(Random& random);

  int count(FileKind kind, DiskOperation operation) const;
  int operations() const;
  int log_syncs_waiting() const;

  // What the two doors to the disk call. `change` makes the change on the real file system, and is
  // not called when the operation fails. Errors: io_error or no_space_on_device when it fails by
  // command; what `change` or the file system said.
  using Change = std::function<std::error_code()>;
  bool Covers(const std::filesystem::path& path) const;
  std::error_code Create(const std::filesystem::path& path, const Change& change);
  std::error_code Append(FileKind kind, ino_t file, std::string_view data,
                         const std::function<std::error_code(std::string_view)>& write);
  // `length`: asks for the file's.
  std::error_code Sync(FileKind kind, ino_t file, const std::function<std::uint64_t()>& length);
  std::error_code Truncate(const std::filesystem::path& path, std::uint64_t length,
                           const Change& change);
  std::error_code Close(FileKind kind, const Change& change);
  std::error_code Rename(const std::filesystem::path& from, const std::filesystem::path& to);
  std::error_code Remove(const std::filesystem::path& path);
  std::error_code MakeFolder(const std::filesystem::path& path, const Change& change);
  std::error_code Link(const std::filesystem::path& path, const Change& change);
  std::error_code SyncFolder(const std::filesystem::path& path);
  void OpenToAppend(ino_t file, std::uint64_t length);

 private:
  struct Fault {
    FileKind kind = FileKind::kOther;
    DiskOperation operation = DiskOperation::kSync;

    auto operator<=>(const Fault&) const = default;
  };
  enum class Fate { kWorks, kFails, kPowerFails };

  std::error_code Failure() const SESHAT_REQUIRES(mutex_);
  Fate NextFate(FileKind kind, DiskOperation operation) SESHAT_REQUIRES(mutex_);
  std::error_code Run(FileKind kind, DiskOperation operation, const Change& change)
      SESHAT_REQUIRES(mutex_);

  // One device, one operation at a time: held while the change is made.
  mutable Mutex mutex_;
  CondVar released_;
  UnsyncedChanges unsynced_ SESHAT_GUARDED_BY(mutex_);
  std::map<Fault, int> counts_ SESHAT_GUARDED_BY(mutex_);
  int operations_ SESHAT_GUARDED_BY(mutex_) = 0;
  Fault fault_ SESHAT_GUARDED_BY(mutex_);
  std::errc fault_error_ SESHAT_GUARDED_BY(mutex_) = std::errc::io_error;
  int until_fault_ SESHAT_GUARDED_BY(mutex_) = 0;  // 0: none is to come
  bool failed_ SESHAT_GUARDED_BY(mutex_) = false;
  int syncs_after_failed_sync_ SESHAT_GUARDED_BY(mutex_) = 0;
  std::optional<Fault> last_with_power_ SESHAT_GUARDED_BY(mutex_);
  int until_power_off_ SESHAT_GUARDED_BY(mutex_) = 0;  // 0: it stays as it is
  bool log_syncs_held_ SESHAT_GUARDED_BY(mutex_) = false;
  int log_syncs_waiting_ SESHAT_GUARDED_BY(mutex_) = 0;

  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace seshat
