// StateComparer: has the replicas of one data group compare their state, every so often.
//
// While this node leads the group and something has changed, it proposes a mark; every replica,
// this one included, reports its digest at that entry to the system group, where StateReports finds
// who differs. A round that fails is left to the next.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/service/data_state_machine.h"
#include "seshat/service/state_reports.h"
#include "shard_group.h"

namespace seshat {

struct StateComparerPorts {
  const Clock* clock = nullptr;
  Executor* background = nullptr;
  // Brings a report to the system group, or loses it. Called on `background`.
  std::function<void(const StateReport&)> report;
};

// Threads: owned by ports.background, except Start and Stop (thread-safe).
class StateComparer : public std::enable_shared_from_this<StateComparer> {
 public:
  StateComparer(NodeId self, GroupId id, std::shared_ptr<ShardGroup> group,
                std::shared_ptr<DataGroupInfo> info, Duration interval, StateComparerPorts ports);

  void Start();
  // Nothing is proposed or reported any more once what runs on the background executor has
  // returned.
  void Stop() { stopped_.store(true, std::memory_order_release); }

 private:
  void Arm();
  void Wake();
  void Mark();
  void Report(const StateMark& mark);

  const NodeId self_;
  const GroupId id_;
  const std::shared_ptr<ShardGroup> group_;
  const std::shared_ptr<DataGroupInfo> info_;
  const Duration interval_;
  const StateComparerPorts ports_;
  std::atomic<bool> stopped_{false};
  std::uint64_t commands_at_mark_ =
      0;  // DataGroupInfo::commands_applied when this node marked last
};

}  // namespace seshat
