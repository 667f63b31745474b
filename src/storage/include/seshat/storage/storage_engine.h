// The node's one RocksDB and the three ports on it.
//
// It keeps families, log records and rows as bytes; what they mean is the raft layer's and the
// appliers'. The rules it follows, and why, are in docs/adr/0006-rocksdb-rules.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/ports/state_store.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace seshat {

struct StorageOptions {
  std::filesystem::path data_dir;  // made when missing
  std::size_t block_cache_bytes = std::size_t{256} << 20;
  std::size_t write_buffer_bytes = std::size_t{256} << 20;  // memtables of all families together
  std::uint64_t wal_bytes_max = std::uint64_t{256} << 20;   // then the oldest families are flushed
  // Queued log writes. Callers stay below it; one who does not waits in LogStore::Write.
  std::size_t log_write_bytes_max = std::size_t{512} << 20;
  std::size_t log_batch_bytes_max = std::size_t{16} << 20;  // what one sync covers at most, about
  // How long after the last sync the log writer records how far that sync reached.
  std::chrono::milliseconds idle_mark_delay{100};
  rocksdb::Env* env = nullptr;  // not owned, outlives the engine; tests put a faulty disk here
};

// A tail of the write-ahead log or the manifest that had never been synced and was found torn at
// start.
struct TornTail {
  std::filesystem::path file;
  std::uint64_t offset = 0;          // cut there; later files are gone
  std::uint64_t bytes_dropped = 0;   // in all files, without the zeros they end in
  std::filesystem::path kept_aside;  // folder with copies of what was dropped
  std::string damage;                // what was found, for people
};

// What start-up found and mended; for the log.
struct OpenReport {
  std::optional<TornTail> torn_tail;  // of the write-ahead log
  std::optional<TornTail> torn_manifest;
  std::vector<std::string> dropped_families;  // not in the map: left by a crash between two steps
  // Damaged, or from a newer version: not listed, and left where they are. Each names the file.
  std::vector<std::string> unusable_snapshots;
};

// A group of this node as it goes on in another cluster.
struct NewBeginning {
  GroupId group;
  // In the place of what is applied, and finished; null: that stays. To be let go before the
  // engine.
  std::shared_ptr<IncomingState> state = {};
  std::vector<StateOp> rows = {};  // put into what is applied
  LogIndex first_index = {};       // of the log, which is empty from then on
  std::string snapshot_row = {};
  std::string state_row = {};
};

struct DiskSpace {
  std::uint64_t free_bytes = 0;  // for an unprivileged process
  std::uint64_t total_bytes = 0;
};

// Threads: thread-safe, but for Stop and the destructor, which come last and alone.
class StorageEngine {
 public:
  // Errors: kFailedPrecondition when another process has `data_dir` open; kCorruption when a synced
  //         write is damaged or missing, or a row is damaged or from a newer version; kIo. Each
  //         names the file or row. On every error the node must not start.
  // Lifetime: `fatal` and `metrics` outlive the engine. `fatal` may be called from any thread.
  static Result<std::unique_ptr<StorageEngine>> Open(const StorageOptions& options,
                                                     FatalHandler& fatal, Metrics& metrics,
                                                     NodeId node);
  ~StorageEngine();
  StorageEngine(const StorageEngine&) = delete;
  StorageEngine& operator=(const StorageEngine&) = delete;

  LogStore& log();
  StateStore& state();
  SnapshotStore& snapshots();
  const OpenReport& open_report() const;

  // The store id on record for `peer`: `store_id` itself the first time (trust on first use).
  // Errors:     kCorruption for a damaged row; kIo (the node is stopping).
  // Durability: synced at return.
  Result<std::string> RememberPeer(NodeId peer, std::string_view store_id);

  // Replaces what is on record, for a node that was replaced on purpose. Same contract.
  Status ReplacePeer(NodeId peer, std::string_view store_id);

  // Has groups go on in another cluster, all of them at once, and forgets the store ids of peers.
  // For a directory that no node runs on.
  // Pre:        the groups exist, each once; first_index lies beyond its log; nobody else writes.
  // Errors:     kIo: after a restart all of it is there or nothing.
  // Durability: synced at return.
  Status BeginAnew(const std::vector<NewBeginning>& groups);

  // Asks the file system of `data_dir` and sets `storage_disk_free_bytes`. Errors: kIo.
  Result<DiskSpace> MeasureDisk() const;

  // Sets the gauges of sizes on disk. Walks the folders: call it every few seconds, off the hot
  // paths.
  void RefreshMetrics();

  // Writes and syncs everything queued, runs its callbacks, then closes the queue: a later log
  // write is dropped and never called back. May be called twice.
  void Stop();

 private:
  class Impl;
  explicit StorageEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat
