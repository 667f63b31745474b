// GroupHost: the Raft groups that this node has replicas of, and the threads they run on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/node/node_config.h"
#include "seshat/node/thread_executor.h"
#include "seshat/ports/rng.h"
#include "seshat/raft/group_driver.h"
#include "seshat/raft/group_registry.h"
#include "seshat/raft/snapshot_keeper.h"
#include "seshat/raft/snapshot_sender.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/data_state_machine.h"
#include "seshat/service/state_reports.h"

namespace seshat {

// What the groups stand on. Lifetime: all of it outlives the host.
struct GroupHostPorts {
  Clock* clock = nullptr;
  Rng* rng = nullptr;
  LogStore* log = nullptr;
  SnapshotStore* snapshots = nullptr;
  StateStore* state = nullptr;
  Transport* transport = nullptr;
  FatalHandler* fatal = nullptr;
  Metrics* metrics = nullptr;
  std::function<Status()> may_take_snapshot;  // as SnapshotKeeperPorts::may_take
};

struct HostedDataGroup {
  std::shared_ptr<GroupDriver> driver;
  std::shared_ptr<DataGroupInfo> info;
};

// Threads: groups are opened and the host is stopped by one thread at a time; the registry is
// thread-safe.
class GroupHost {
 public:
  GroupHost(const NodeConfig& config, const GroupHostPorts& ports);
  // Stops.
  ~GroupHost();

  // Opens the system group and starts it; on a new node `voters` found it. What it has applied is
  // published in `source` at return; `on_odd`: as SystemStateMachine::Open.
  // Errors: as GroupDriver::Open and LogStore::CreateGroup.
  Status OpenSystemGroup(const std::vector<NodeId>& voters, ClusterStateSource& source,
                         StateReports::Listener on_odd);
  // Opens a data group, creating it with its founders as first voters, or with none where this node
  // is not one of them, registers and starts it.
  // The caller introduces it to the service.
  Result<HostedDataGroup> OpenDataGroup(const ShardPlacement& shard,
                                        const ReplicatedLimits& limits);

  GroupRegistry& registry() { return registry_; }
  SnapshotKeeper& snapshot_keeper() { return *keeper_; }
  // For what other nodes ask about snapshots.
  SnapshotSender& snapshot_sender() { return *sender_; }

  // Hands over the leadership of every group that this node leads, where another node can take it.
  // Waits until that is done or has failed, some seconds at most.
  void HandOverLeadership();
  // Stops every driver, which answers what waits, then the threads. May be called twice.
  void Stop();

 private:
  void Start(GroupId group, const std::shared_ptr<GroupDriver>& driver);
  Status CreateIfMissing(GroupId group, const std::vector<NodeId>& voters);
  Result<std::shared_ptr<GroupDriver>> OpenDriver(GroupId group,
                                                  std::unique_ptr<StateMachine> state_machine);

  const NodeConfig config_;
  const GroupHostPorts ports_;
  // One raft and one apply thread for each lane; a group's id picks its lane.
  std::vector<std::unique_ptr<ThreadExecutor>> raft_lanes_;
  std::vector<std::unique_ptr<ThreadExecutor>> apply_lanes_;
  // Reads old entries for followers that lag, so that appliers do not wait for the disk.
  std::unique_ptr<ThreadExecutor> log_reader_;
  // Takes snapshots and writes those that come in; and reads those that others ask for.
  std::unique_ptr<ThreadExecutor> snapshot_worker_;
  std::unique_ptr<ThreadExecutor> snapshot_reader_;
  GroupRegistry registry_;
  std::unique_ptr<SnapshotKeeper> keeper_;
  std::unique_ptr<SnapshotSender> sender_;
  bool is_stopped_ = false;
};

}  // namespace seshat
