// A disk for tests that fails or stalls on command, between RocksDB and the real file system.
//
// It can fail syncs and writes of the write-ahead log, fail writes of table files, and hold syncs.
// It cannot lose or reorder what was written, and never touches reads.
#pragma once

#include <memory>

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace seshat {

// Threads: thread-safe. Lifetime: outlives the engine that runs on it.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk();

  rocksdb::Env* env();

  void FailLogSyncs();
  void FailLogWrites();
  void FailTableWrites();
  // Syncs of the log wait from now on, until ReleaseLogSyncs.
  void HoldLogSyncs();
  void ReleaseLogSyncs();

  int log_syncs_started() const;
  int log_syncs_waiting() const;

  class State;

 private:
  std::shared_ptr<State> state_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace seshat
