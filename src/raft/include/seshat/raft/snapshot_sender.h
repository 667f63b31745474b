// SnapshotSender: gives other nodes the chunks of this node's snapshots that they ask for.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/snapshot_store.h"

namespace seshat {

struct SnapshotSenderOptions {
  NodeId node;
  std::size_t chunk_bytes = 1 << 20;  // before compression; one row may exceed it
  // To all nodes together, on average; 0: no bound. Exceeded where one row alone takes longer than
  // `wait_max`.
  std::uint64_t bytes_per_second_max = 0;
  // The longest that the bound holds an answer back: well below SnapshotFetchOptions::call_timeout,
  // or a chunk that is asked for again and again would never come.
  Duration wait_max = std::chrono::seconds(5);
  // A snapshot that someone is half-way through is held open this long after the last question,
  // even when it was superseded.
  Duration held_open = std::chrono::seconds(60);
};

struct SnapshotSenderPorts {
  SnapshotStore* store = nullptr;
  Executor* worker = nullptr;  // may block on the disk
  Clock* clock = nullptr;
  Metrics* metrics = nullptr;  // null: none are kept
};

struct SnapshotChunkRequest;

// Threads: OnCall from any; everything else runs on the worker. Lifetime: outlives the worker's
// last task.
class SnapshotSender {
 public:
  SnapshotSender(const SnapshotSenderOptions& options, const SnapshotSenderPorts& ports);
  ~SnapshotSender();

  // Another node's question. A question that makes no sense breaks the call.
  void OnCall(NodeId from, std::string request, UniqueFunction<void(std::string)> reply);

 private:
  struct Sending {
    LogIndex index;
    Term term;
    std::unique_ptr<StateView> view;  // keeps the snapshot
    MonotonicTime used_at;
  };
  using Sendings = std::map<std::pair<NodeId, GroupId>, Sending>;

  void Answer(NodeId from, const std::string& request, UniqueFunction<void(std::string)> reply);
  Result<std::string> ReadChunk(NodeId from, const SnapshotChunkRequest& request);
  // Null: there is no such snapshot.
  Result<const StateView*> Open(NodeId from, const SnapshotChunkRequest& request);
  void ReplyInTime(std::string chunk, UniqueFunction<void(std::string)> reply);
  void CloseIdle();

  const SnapshotSenderOptions options_;
  const SnapshotSenderPorts ports_;
  Sendings sendings_;
  bool is_close_armed_ = false;
  MonotonicTime free_at_;  // when the bytes sent so far are within the bound
  Counter* bytes_sent_ = nullptr;
  Gauge* held_open_ = nullptr;
};

}  // namespace seshat
