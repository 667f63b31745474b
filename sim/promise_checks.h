// PromiseChecks: nodes say to others only what their disks hold, and keep what they said.
//
//   - who asks for votes or gives one has its term and vote on its disk, and one candidate a term;
//   - a leader has the votes of a quorum;
//   - what a follower acknowledges is on its disk;
//   - who promised a leader to vote for nobody else has that on its disk too, and takes part in an
//     election only when the lease that the leader may count from it has passed on the leader's own
//     clock (read rule 6), or when a leader has asked for that election.
// It reads what is on the wires and on the disks, and shares no code with what it checks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "disk.h"
#include "machine_clock.h"
#include "memberships.h"
#include "seshat/v1/raft.pb.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {

// One machine as these checks see it. Lifetime: both outlive the checks.
struct CheckedMachine {
  const SimDisk* disk = nullptr;
  const SimClock* clock = nullptr;
};

// Threads: owned by the simulation's thread.
class PromiseChecks {
 public:
  // `fail` is told of each violation. Lifetime: `memberships` outlives it.
  PromiseChecks(GroupId group, std::map<NodeId, CheckedMachine> machines,
                const Memberships& memberships, std::function<void(std::string)> fail);

  // What a node sends, whether it arrives or not.
  void OnSend(NodeId from, std::string_view payload);
  void OnLeader(NodeId node, Term term);

 private:
  // Of a voter to a leader: it helps nobody to a later term.
  struct Loyalty {
    Term term;
    MonotonicTime until;  // on the leader's clock
  };

  void OnMessage(NodeId from, const v1::RaftMessage& message);
  void OnVote(NodeId from, const v1::RaftMessage& message, NodeId candidate);
  void OnAcknowledged(NodeId from, const v1::RaftMessage& message);
  void OnPromise(NodeId from, const v1::RaftMessage& message);
  void CheckLoyalty(NodeId voter, Term term, NodeId candidate);
  v1::RaftHardState DurableState(NodeId node) const;

  const GroupId group_;
  const std::map<NodeId, CheckedMachine> machines_;
  const Memberships& memberships_;
  const std::function<void(std::string)> fail_;
  std::map<std::pair<Term, NodeId>, NodeId> votes_;         // by term and voter: for whom
  std::map<std::pair<NodeId, NodeId>, Loyalty> loyalties_;  // by voter and leader
  std::set<std::pair<Term, NodeId>> transfers_;             // candidates that a leader asked to run
};

}  // namespace seshat
