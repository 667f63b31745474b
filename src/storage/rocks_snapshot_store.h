// The port SnapshotStore: `<data_dir>/snapshots` and `<data_dir>/incoming`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "database.h"
#include "rocks_snapshot.h"
#include "seshat/base/error.h"
#include "seshat/base/mutex.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/storage/storage_engine.h"
#include "snapshot_metadata.h"

namespace seshat {

// Threads: thread-safe.
class RocksSnapshotStore : public SnapshotStore {
 public:
  // Removes what an earlier process left unfinished, and finds the snapshots that were kept. One
  // whose metadata cannot be read goes into the report, and stays where it is.
  // Errors: kIo.
  static Result<std::unique_ptr<RocksSnapshotStore>> Open(const StorageOptions& options,
                                                          Database& database, Metrics& metrics,
                                                          const MetricLabels& labels,
                                                          OpenReport& report);

  Result<std::shared_ptr<Snapshot>> Take(UnixMillis now) override;
  Result<std::shared_ptr<const Snapshot>> Keep(std::shared_ptr<Snapshot> taken, LogIndex index,
                                               std::vector<GroupSnapshot> groups) override;
  std::vector<std::shared_ptr<const Snapshot>> Kept() const override;
  Result<std::unique_ptr<IncomingState>> BeginIncoming(GroupId group) override;

  // Sets the gauges that need a walk through the folders.
  void RefreshMetrics();

 private:
  struct Gauges {
    Histogram& seconds;
    Gauge& size;
    Gauge& count;
    Gauge& pinned;
    Gauge& incoming;
  };
  RocksSnapshotStore(const StorageOptions& options, Database& database, Gauges gauges);

  Status RemoveLeftovers();
  Status FindKept(OpenReport& report);
  std::filesystem::path NewPartialPath();
  // Adds the newest one, and lets go of those that are too many.
  void Add(std::shared_ptr<RocksSnapshot> snapshot);

  const std::filesystem::path snapshots_dir_;
  const std::filesystem::path incoming_dir_;
  Database& database_;
  const Gauges gauges_;

  Mutex work_mutex_;  // one Take or Keep at a time
  std::uint64_t last_number_ SESHAT_GUARDED_BY(work_mutex_) = 0;

  mutable Mutex mutex_;
  std::uint64_t folders_made_ SESHAT_GUARDED_BY(mutex_) = 0;
  std::vector<std::shared_ptr<RocksSnapshot>> kept_ SESHAT_GUARDED_BY(mutex_);  // newest first
};

}  // namespace seshat
