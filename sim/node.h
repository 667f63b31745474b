// SimNode: one machine with its disk and clock, and the process on it that comes and goes: the real
// driver of one data group, its state machine, and the service that clients and other nodes ask.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "connection.h"
#include "disk.h"
#include "machine_clock.h"
#include "network.h"
#include "observed_machine.h"
#include "seshat/ports/fatal.h"
#include "seshat/raft/group_driver.h"
#include "seshat/raft/snapshot_keeper.h"
#include "snapshots.h"

namespace seshat {

inline constexpr GroupId kSimGroup = kFirstDataGroup;

struct SimNodeOptions {
  NodeId id;
  Configuration configuration;  // of the group at first; a node that is to join knows none
  std::size_t nodes = 0;        // of the cluster, members or not: 1, 2, ...
  std::uint64_t seed = 0;
  std::int64_t clock_drift_ppm = 0;
  MonotonicTime clock_at_start;
  std::size_t append_bytes_max = 2048;
  std::size_t inflight_messages_max = 8;
  std::size_t cached_bytes_max = 8 << 10;
  Duration election_spread =
      CoreOptions().election_timeout_max - CoreOptions().election_timeout_min;
  bool leases = true;
  SnapshotPolicy snapshots;
  std::uint64_t log_tail_bytes = 0;
  std::size_t snapshot_chunk_bytes = 256;
  std::uint64_t disk_full_one_in = 0;  // of the steps of snapshots; 0: never
  // A node may come back with another configuration than it had: each start draws its own.
  Duration stickiness_min = CoreOptions().stickiness;
  Duration stickiness_max = CoreOptions().stickiness;
  SlowDiskOptions slow_disk;
};

// What the world outside wants to know of a node.
struct SimNodeObserver {
  // `commit`: the commit index as its term begins.
  std::function<void(NodeId node, Term term, LogIndex commit)> on_leader;
  std::function<void(NodeId node, const AppliedFact& fact)> on_applied;
  std::function<void()> on_resumed;                  // goes on after a pause
  std::function<void(std::string what)> on_failure;  // a bug: the node could not go on
};

// Must not be crashed from within its own tasks: use the scheduler.
// Threads: owned by the simulation's thread.
class SimNode : public FatalHandler {
 public:
  SimNode(SimScheduler& scheduler, SimNetwork& network, SimNodeOptions options,
          SimNodeObserver observer);
  ~SimNode() override;

  // Starts the process on what the disk holds. Pre: not running.
  void Start();
  // The process dies at once. `loses_unsynced`: the machine loses its power with it.
  void Crash(bool loses_unsynced);
  // Asks the process to stop and takes it down once it has.
  void StopGracefully();
  // SIGSTOP and SIGCONT; or the machine is suspended, which CLOCK_BOOTTIME counts.
  void SetPaused(bool is_paused);

  bool is_running() const { return process_ != nullptr; }
  bool is_paused() const { return is_paused_; }
  NodeId id() const { return options_.id; }
  SimDisk& disk() { return disk_; }
  // Takes a snapshot, if the process runs and takes none already.
  void TakeSnapshot();
  SimClock& clock() { return clock_; }
  // Pre: is_running().
  GroupDriver& driver();
  // A client's connection; null when no process listens. It breaks when the process dies.
  std::shared_ptr<SimConnection> Connect(ConnectionListener listener);

  void StopNode(const Error& why) override;

 private:
  class Process;

  SimScheduler& scheduler_;
  SimNetwork& network_;
  const SimNodeOptions options_;
  const SimNodeObserver observer_;
  SimDisk disk_;
  SimSnapshots snapshots_;
  SimClock clock_;
  bool is_paused_ = false;
  SimTime paused_at_{0};
  std::uint64_t starts_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace seshat
