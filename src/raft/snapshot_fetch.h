// SnapshotFetch: gets a group's state from another node, chunk by chunk.
//
// Every request names the last key received, so the other side keeps no cursor, and a connection
// that breaks costs one chunk. The next chunk is asked for before the last one is written.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/ports/transport.h"
#include "seshat/raft/core.h"
#include "seshat/raft/group_driver.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

struct SnapshotChunk;

struct SnapshotFetchPorts {
  Executor* worker = nullptr;  // may block on the disk
  Clock* clock = nullptr;
  Transport* transport = nullptr;
  SnapshotStore* store = nullptr;
};

// Threads: Begin and Cancel from any; everything else runs on the worker. Lifetime: the ports
// outlive it; in flight it is kept alive by its own tasks, not by calls.
class SnapshotFetch : public std::enable_shared_from_this<SnapshotFetch> {
 public:
  // The state, finished and equal to what was offered. Or an error: kUnavailable: the other node
  // does not answer; kNotFound: it has that snapshot no more; kCorruption: what came is not what
  // was offered; those of IncomingState.
  using Done = UniqueFunction<void(Result<std::shared_ptr<IncomingState>>)>;

  SnapshotFetch(GroupId group, SnapshotOffer offer, std::unique_ptr<StateAudit> audit,
                const SnapshotFetchOptions& options, const SnapshotFetchPorts& ports);

  // `done` runs once, on the worker, unless it is cancelled before.
  void Begin(Done done);
  void Cancel() SESHAT_EXCLUDES(mutex_);
  // Another node offers a snapshot: from now on the first question without an answer ends this
  // fetch, with kNotFound. From any thread.
  void Supersede() { is_superseded_.store(true, std::memory_order_relaxed); }

  const SnapshotOffer& offer() const { return offer_; }
  // What has come so far. From any thread.
  std::uint64_t rows_received() const { return rows_received_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_received() const { return bytes_received_.load(std::memory_order_relaxed); }

 private:
  void Start();
  void Ask();
  void OnAnswer(std::uint64_t call, Result<std::string> answer) SESHAT_EXCLUDES(mutex_);
  void TakeChunk(std::uint64_t call, const Result<std::string>& answer);
  void RetryOrGiveUp(Error why);
  Status AddRows(const SnapshotChunk& chunk);
  void Complete();
  void Finish(Result<std::shared_ptr<IncomingState>> result);
  bool IsCancelled() const SESHAT_EXCLUDES(mutex_);

  const GroupId group_;
  const SnapshotOffer offer_;
  const SnapshotFetchOptions options_;
  const SnapshotFetchPorts ports_;

  // Owned by the worker.
  std::unique_ptr<StateAudit> audit_;
  Done done_;
  std::shared_ptr<IncomingState> incoming_;
  std::string after_key_;
  std::uint64_t call_ = 0;  // the one whose answer is awaited
  MonotonicTime give_up_at_;

  std::atomic<bool> is_superseded_{false};
  std::atomic<std::uint64_t> rows_received_{0};
  std::atomic<std::uint64_t> bytes_received_{0};  // of keys and values

  mutable Mutex mutex_;
  bool is_cancelled_ SESHAT_GUARDED_BY(mutex_) = false;
};

}  // namespace seshat
