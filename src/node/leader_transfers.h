// LeaderTransfers: leadership handed over because an operator asks for it, by way of the admin
// endpoint. A node that stops hands over by itself (GroupHost::HandOverLeadership).
#pragma once

#include <atomic>

#include "seshat/admin/leadership_control.h"
#include "seshat/base/ids.h"
#include "seshat/ports/clock.h"
#include "seshat/raft/group_driver.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

// Lifetime: all of it outlives the transfers.
struct LeaderTransferPorts {
  const Clock* clock = nullptr;
  const GroupRegistry* groups = nullptr;
  const ClusterStateSource* cluster = nullptr;
};

// Threads: thread-safe; blocks.
class LeaderTransfers final : public LeadershipControl {
 public:
  LeaderTransfers(NodeId self, const LeaderTransferPorts& ports) : self_(self), ports_(ports) {}

  TransferAnswer Transfer(GroupId group, NodeId to) override;

 private:
  TransferAnswer Answer(TransferAnswer::Outcome outcome, GroupId group, NodeId leader,
                        std::string problem) const;
  TransferAnswer PointToLeader(GroupId group, NodeId leader) const;
  TransferAnswer HandOver(GroupDriver& driver, GroupId group, NodeId to);
  // The group's leader once it is another node than this, kNoNode if that takes too long.
  NodeId AwaitSuccessor(const GroupDriver& driver, MonotonicTime end) const;

  const NodeId self_;
  const LeaderTransferPorts ports_;
  // One at a time: those who wait hold admin threads, and health must still be answered.
  std::atomic<bool> is_busy_{false};
};

}  // namespace seshat
