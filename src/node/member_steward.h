// MemberSteward: what this node does, for the groups that it leads, about members who join and
// leave.
//
// The system group says who the members are to be; each group's leader moves its Raft configuration
// there (MemberReconciler) and reports who its voters are now; once nobody has a replica on a
// leaving member, the system group's leader has it forgotten. Each step is one that may be
// repeated, and whoever leads next goes on from what it finds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "member_reconciler.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/executor.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

// Lifetime: all of it outlives the steward.
struct MemberStewardPorts {
  GroupRegistry* groups = nullptr;
  Executor* executor = nullptr;  // that Round is called on
  const Clock* clock = nullptr;
  // Proposes a command of the system group; `what` completes "cannot ...". It may be dropped.
  std::function<void(std::string what, std::string command)> propose = {};
};

// Threads: owned by its executor.
class MemberSteward {
 public:
  // `round_max`: see MemberReconciler.
  MemberSteward(const MemberStewardPorts& ports, Duration round_max);

  // Looks at every group that this node leads. To be called many times a second.
  void Round(const ClusterState& state);

 private:
  struct Led {
    explicit Led(Duration round_max);

    MemberReconciler reconciler;
    bool is_changing = false;
    MonotonicTime not_before;  // the driver's status may be older than the last step
    std::string last_problem;  // logged
  };

  void Lead(GroupId group, GroupDriver& driver, const ClusterState& state);
  void Take(GroupId group, Led& led, GroupDriver& driver, const MembersStep& step);
  void OnChanged(GroupId group, const Status& status);
  void ReportVoters(GroupId group, const CoreStatus& status, const ClusterState& state);
  void ForgetWhoHasLeft(const CoreStatus& system, const ClusterState& state);

  const MemberStewardPorts ports_;
  const Duration round_max_;
  std::map<GroupId, Led> led_;
  // What is under way outlives the steward at most as a word that nobody hears.
  const std::shared_ptr<MemberSteward*> self_ = std::make_shared<MemberSteward*>(this);
};

}  // namespace seshat
