// SnapshotRequests: snapshots taken because an operator asks for one, by way of the admin endpoint.
// When one is due without being asked for, the SnapshotKeeper decides.
#pragma once

#include "seshat/admin/snapshot_control.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/ports/clock.h"
#include "seshat/raft/snapshot_keeper.h"

namespace seshat {

// Lifetime: all of it outlives the requests.
struct SnapshotRequestPorts {
  const Clock* clock = nullptr;
  SnapshotKeeper* keeper = nullptr;
};

// Threads: thread-safe; blocks.
class SnapshotRequests final : public SnapshotControl {
 public:
  // `wait_max`: beyond it the snapshot goes on, but nobody waits for it.
  SnapshotRequests(NodeId self, const SnapshotRequestPorts& ports,
                   Duration wait_max = std::chrono::minutes(5))
      : self_(self), ports_(ports), wait_max_(wait_max) {}

  // Lets one caller wait at a time, since the keeper takes one at a time.
  SnapshotAnswer Create() override;
  // Nobody waits any more, now or later. Before the keeper's worker stops, which tells nobody.
  void Stop() SESHAT_EXCLUDES(mutex_);

 private:
  SnapshotAnswer Failed(SnapshotAnswer::Outcome outcome, std::string problem) const;

  const NodeId self_;
  const SnapshotRequestPorts ports_;
  const Duration wait_max_;
  Mutex mutex_;
  bool is_stopping_ SESHAT_GUARDED_BY(mutex_) = false;
};

}  // namespace seshat
