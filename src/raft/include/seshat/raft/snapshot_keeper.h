// SnapshotKeeper: decides when a node takes a snapshot, and lets its groups' logs be cut off for
// it.
//
// One snapshot serves every group of the node. First it is on the disk with its metadata; only then
// are the groups told, and each cuts its log up to what the snapshot itself says it holds: so a log
// is never cut above what would be there after a crash.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/snapshot_store.h"
#include "seshat/raft/group_registry.h"

namespace seshat {

// A snapshot is due when a group has so many entries and the last one is so long ago, or when it
// has so many bytes of log since then. Source: docs/adr/0011-snapshot-pause.md.
struct SnapshotPolicy {
  std::uint64_t entries = 10'000;
  Duration interval = std::chrono::seconds(30);
  std::uint64_t log_bytes = std::uint64_t{100} << 20;
  Duration check_interval = std::chrono::seconds(1);
  Duration retry_delay = std::chrono::seconds(10);  // after one that failed, or for a follower
};

struct SnapshotKeeperPorts {
  SnapshotStore* store = nullptr;
  GroupRegistry* groups = nullptr;
  Clock* clock = nullptr;
  Executor* worker = nullptr;  // may block for seconds
  // Why none may be taken now, such as a disk that is nearly full. May be empty, and may block.
  std::function<Status()> may_take = {};
  // Told of every snapshot taken or not, for the log. May be empty.
  std::function<void(const Status& taken, const std::string& name, Duration took)> on_taken = {};
};

struct SnapshotKeeperStatus {
  bool is_taking = false;
  MonotonicTime taking_since;  // while `is_taking`
  // The newest one kept, perhaps before the start.
  UnixMillis last_kept_at;  // 0: none since the data directory was made
  std::string last_name;
  std::uint64_t last_size_bytes = 0;
  // Since start, of the last attempt.
  bool has_last_failed = false;
  std::optional<Duration> last_took;  // nothing: none has ended
  std::uint64_t taken = 0;            // kept since start
};

// Threads: thread-safe. Lifetime: outlives the worker's last task.
class SnapshotKeeper {
 public:
  using Done = UniqueFunction<void(Status)>;

  SnapshotKeeper(const SnapshotPolicy& policy, const SnapshotKeeperPorts& ports);
  ~SnapshotKeeper();

  // Tells `driver` what is kept already; call it when a group is opened.
  void Introduce(GroupId group, GroupDriver& driver) const;
  // Looks from now on whether one is due.
  void Start();
  // Takes one now, whatever the policy says. False: one is being taken already, and `done` has been
  // told so inside the call; else it is told on the worker, where status() is about this attempt.
  // Errors: kFailedPrecondition: one is being taken, or no group has applied anything;
  //         kCancelled: the node is stopping; those of `may_take` and SnapshotStore.
  bool TakeNow(Done done) SESHAT_EXCLUDES(mutex_);
  SnapshotKeeperStatus status() const SESHAT_EXCLUDES(mutex_);
  // Takes no more; what is under way ends on the worker.
  void Stop() SESHAT_EXCLUDES(mutex_);

 private:
  // One that is being taken, group after group.
  struct Taking {
    std::shared_ptr<Snapshot> snapshot;
    std::vector<GroupId> groups;  // by id: what waits in a driver must not own it
    std::size_t next = 0;         // of `groups`, to be described
    std::vector<std::pair<GroupId, SnapshotDescriptor>> described;
    MonotonicTime begun_at;
    Done done;
  };

  void Check();
  bool IsDue(MonotonicTime now) const;
  // The right to take the next one. False: somebody has it.
  bool Claim() SESHAT_EXCLUDES(mutex_);
  // Pre: claimed.
  void Take(Done done) SESHAT_EXCLUDES(mutex_);
  void DescribeNext(const std::shared_ptr<Taking>& taking);
  void Keep(const std::shared_ptr<Taking>& taking);
  // `kept`: null exactly when `status` is an error.
  void Finish(Taking& taking, const Status& status, std::shared_ptr<const Snapshot> kept)
      SESHAT_EXCLUDES(mutex_);
  bool is_stopped() const SESHAT_EXCLUDES(mutex_);

  const SnapshotPolicy policy_;
  const SnapshotKeeperPorts ports_;

  // Owned by the worker.
  MonotonicTime last_begun_at_;
  MonotonicTime not_before_;

  mutable Mutex mutex_;
  SnapshotKeeperStatus status_ SESHAT_GUARDED_BY(mutex_);
  bool is_stopped_ SESHAT_GUARDED_BY(mutex_) = false;
};

}  // namespace seshat
