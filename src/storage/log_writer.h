// The one thread that writes logs: all that waits becomes one batch and one sync.
//
// Write first, then SyncWAL: with a sync inside the write, appliers would queue behind the disk.
// Each batch carries a mark saying how far the sync before it reached (wal_check.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "database.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/metrics.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// Threads: thread-safe; Start and Stop are called once, from one thread.
class LogWriter {
 public:
  LogWriter(const StorageOptions& options, Database& database, Histogram& sync_seconds,
            std::uint64_t mark_key);
  ~LogWriter();

  // Writes and syncs the first mark of this process, then starts the thread.
  // Errors: kIo (the node is stopping).
  Status Start();
  // Finishes what is queued, writes and syncs a last mark, and ends the thread.
  void Stop();

  // After Stop, last of all: ends RocksDB's background work and records how far that synced the
  // manifest, so that a later start takes damage to its end for what it is.
  void RecordLastSteps();

  // After a sync outside the log: has it recorded too, by the next write or once idle.
  void RecordSync();

  // A group's log must be known before it is written. `next`: the index after the last record.
  void AddGroup(const GroupFamilies& families, LogIndex first, LogIndex next);

  // Where the group's log begins durably, and in which generation of its log family.
  // Pre: the group is known.
  struct DurableStart {
    LogIndex first_index;
    std::uint64_t generation = 0;
  };
  DurableStart DurableStartOf(GroupId group);

  // The contract of LogStore::Write. Pre: the records follow on what the log will then hold.
  void Write(LogWrite write, UniqueFunction<void()> on_durable);

 private:
  struct Queued {
    LogWrite write;
    UniqueFunction<void()> on_durable;
    std::size_t bytes = 0;
    LogIndex truncate_end;  // the log's end when this was queued
  };
  struct Bounds {  // once all that is queued has taken effect
    LogIndex first;
    LogIndex next;
    DurableStart durable;
  };
  // What a batch makes of a group's families.
  struct Installation {
    std::shared_ptr<const GroupFamilies> families;
    std::vector<std::shared_ptr<const Family>> replaced;
  };
  using Installations = std::unordered_map<GroupId, Installation>;
  enum class Wake { kWork, kIdle, kStop };

  void Run();
  Wake WaitForWork(std::vector<Queued>& batch);
  // False when the node is stopping.
  bool MakeDurable(const std::vector<Queued>& batch);
  bool WriteBatch(const std::vector<Queued>& batch, Installations& installations);
  void AddToBatch(const Queued& queued, Installations& installations, rocksdb::WriteBatch& batch);
  void AddInstall(const LogWrite& write, Installations& installations, rocksdb::WriteBatch& batch);
  void PublishStarts(const std::vector<Queued>& batch);
  static void MoveStart(const LogWrite& write, Bounds& bounds);
  bool WriteMark();
  // Whether the last sync, of the log or of the manifest, is not on record yet.
  bool MarkDue() const;
  std::string NextMark();
  bool SyncAndMeasure();

  const std::size_t queue_bytes_max_;
  const std::size_t batch_bytes_max_;
  const std::chrono::nanoseconds idle_mark_delay_;
  const std::uint64_t mark_key_;
  Database& database_;
  Histogram& sync_seconds_;

  // Owned by the writer thread once it runs.
  std::uint64_t recorded_sequence_ = 0;  // by the last mark written
  ManifestPosition recorded_manifest_;   // the same

  Mutex mutex_;
  CondVar work_;
  CondVar room_;
  std::deque<Queued> queue_ SESHAT_GUARDED_BY(mutex_);
  std::size_t bytes_in_flight_ SESHAT_GUARDED_BY(mutex_) = 0;
  bool stopping_ SESHAT_GUARDED_BY(mutex_) = false;
  std::unordered_map<GroupId, Bounds> bounds_ SESHAT_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace seshat
