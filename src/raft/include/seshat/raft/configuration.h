// Who belongs to a group, and what a quorum of them is, joint configurations included.
#pragma once

#include <functional>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"

namespace seshat {

enum class VoteOutcome { kPending, kWon, kLost };

// While `voters_outgoing` is not empty the configuration is joint: a quorum needs a majority of
// both lists. Learners never count. All lists ascending, without repetition.
// Threads: a value type. Source: Raft thesis §4.3; etcd-io/raft quorum/joint.go for the shape.
struct Configuration {
  std::vector<NodeId> voters;
  std::vector<NodeId> voters_outgoing;
  std::vector<NodeId> learners;
  std::vector<NodeId> learners_next;  // outgoing voters that become learners on leaving the joint
  bool auto_leave = false;

  bool IsJoint() const { return !voters_outgoing.empty(); }
  bool IsVoter(NodeId node) const;      // in either list
  bool IsMember(NodeId node) const;     // voter or learner
  std::vector<NodeId> Members() const;  // ascending, each once
  std::vector<NodeId> Voters() const;   // of both lists, ascending, each once
  // A single voter and not joint: it needs nobody's consent.
  bool IsSingleVoter(NodeId node) const;

  // Whether every majority that is needed consists of nodes that `has` accepts.
  bool HasQuorum(const std::function<bool(NodeId)>& has) const;
  // The highest index that a quorum has reached. 0 for an empty configuration.
  LogIndex QuorumIndex(const std::function<LogIndex(NodeId)>& match) const;
  // The latest time such that a quorum's values are at or after it (read rule 4).
  MonotonicTime QuorumTime(const std::function<MonotonicTime(NodeId)>& time) const;
  // `vote`: +1 granted, -1 refused, 0 not answered yet.
  VoteOutcome Tally(const std::function<int(NodeId)>& vote) const;

  bool operator==(const Configuration&) const = default;
};

// The steps from one configuration to another: each a log entry of its own. Source: Raft thesis
// §4.3; joint consensus for every change of voters, so that any two lists may follow each other.

// The joint configuration on the way to `voters` and `learners` (ascending). A voter that becomes a
// learner is one only when the joint configuration is left, which happens by itself.
// Pre: `from` is not joint; no node is in both lists.
Configuration EnterJoint(const Configuration& from, std::vector<NodeId> voters,
                         const std::vector<NodeId>& learners);
// Pre: `joint` is.
Configuration LeaveJoint(const Configuration& joint);
// Whether one entry may lead from one to the other.
bool IsStep(const Configuration& from, const Configuration& to);

}  // namespace seshat
