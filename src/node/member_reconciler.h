// MemberReconciler: moves a group's Raft members towards those that the cluster is to have, one
// small step after another, so that it can go on from wherever it was left.
//
// A node that joins is fed as a learner first, and votes once it has caught up: a voter that still
// lacks most of the log would be missed by every quorum that it is needed for. A leader that is to
// leave hands over first. Source: Raft thesis, section 4.2; ARCHITECTURE section 8.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/core.h"

namespace seshat {

struct MembersStep {
  enum class Kind {
    kNone,      // nothing to do, or nothing yet
    kChange,    // the group's members are to be `voters` and `learners`
    kHandOver,  // this leader is to leave: another first has to lead
  };
  Kind kind = Kind::kNone;
  std::vector<NodeId> voters = {};    // ascending
  std::vector<NodeId> learners = {};  // ascending

  bool operator==(const MembersStep&) const = default;
};

// One for each group that this node leads, for as long as it does.
// Threads: owned by one thread.
class MemberReconciler {
 public:
  // A learner votes when it was level twice with what the log held when the round began, the last
  // round took no longer than `round_max`, and it lacks fewer than `lag_max` entries.
  MemberReconciler(Duration round_max, std::uint64_t lag_max)
      : round_max_(round_max), lag_max_(lag_max) {}

  // What this leader, `status`, does next so that `desired` (ascending) become the voters.
  MembersStep Next(const std::vector<NodeId>& desired, const CoreStatus& status, MonotonicTime now);

 private:
  // How a learner comes along.
  struct CatchUp {
    LogIndex mark;  // where the log ended as the round began
    MonotonicTime began_at;
    int rounds = 0;  // ended
    bool was_quick = false;
  };

  bool HasCaughtUp(const FollowerStatus& learner, const CoreStatus& status, MonotonicTime now);

  const Duration round_max_;
  const std::uint64_t lag_max_;
  std::map<NodeId, CatchUp> learners_;
};

}  // namespace seshat
