// Quorum arithmetic of single and joint configurations.
#include "seshat/raft/configuration.h"

#include <algorithm>
#include <cstddef>

#include "seshat/base/seeded_bug.h"

namespace seshat {
namespace {

bool Contains(const std::vector<NodeId>& nodes, NodeId node) {
  return std::ranges::binary_search(nodes, node);
}

bool HasMajority(const std::vector<NodeId>& voters, const std::function<bool(NodeId)>& has) {
  const auto count = static_cast<std::size_t>(std::ranges::count_if(voters, has));
  return count > voters.size() / 2 || (HasBug("half-is-a-quorum") && count == voters.size() / 2);
}

// The highest value that a majority of `voters` has reached.
template <typename Value>
Value MajorityValue(const std::vector<NodeId>& voters, const std::function<Value(NodeId)>& of) {
  // Groups are small; the buffer spares an allocation on every acknowledgement.
  constexpr std::size_t kInlineVoters = 16;
  Value inline_values[kInlineVoters];
  std::vector<Value> heap_values;
  Value* values = inline_values;
  if (voters.size() > kInlineVoters) {
    heap_values.resize(voters.size());
    values = heap_values.data();
  }
  for (std::size_t i = 0; i < voters.size(); ++i) values[i] = of(voters[i]);
  Value* const nth = values + (voters.size() - (HasBug("half-commits") ? 1 : 0)) / 2;
  std::nth_element(values, nth, values + voters.size(), std::greater<>());
  return *nth;
}

template <typename Value>
Value QuorumValue(const Configuration& configuration, const std::function<Value(NodeId)>& of) {
  if (configuration.voters.empty()) return Value{};
  const Value incoming = MajorityValue(configuration.voters, of);
  if (!configuration.IsJoint() || HasBug("joint-needs-new-majority-only")) return incoming;
  return std::min(incoming, MajorityValue(configuration.voters_outgoing, of));
}

VoteOutcome TallyMajority(const std::vector<NodeId>& voters,
                          const std::function<int(NodeId)>& vote) {
  std::size_t granted = 0;
  std::size_t refused = 0;
  for (const NodeId voter : voters) {
    const int answer = vote(voter);
    if (answer > 0) ++granted;
    if (answer < 0) ++refused;
  }
  const std::size_t majority = voters.size() / 2 + 1;
  if (granted >= majority) return VoteOutcome::kWon;
  if (voters.size() - refused < majority) return VoteOutcome::kLost;
  return VoteOutcome::kPending;
}

void SortUnique(std::vector<NodeId>& nodes) {
  std::ranges::sort(nodes);
  const auto repeated = std::ranges::unique(nodes);
  nodes.erase(repeated.begin(), repeated.end());
}

bool IsAscending(const std::vector<NodeId>& nodes) {
  return std::ranges::adjacent_find(nodes, std::greater_equal<>()) == nodes.end();
}

bool AreDisjoint(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  return std::ranges::none_of(a, [&](NodeId node) { return Contains(b, node); });
}

}  // namespace

Configuration EnterJoint(const Configuration& from, std::vector<NodeId> voters,
                         const std::vector<NodeId>& learners) {
  Configuration joint;
  joint.voters = std::move(voters);
  joint.voters_outgoing = from.voters;
  joint.auto_leave = true;
  for (const NodeId learner : learners) {
    (Contains(from.voters, learner) ? joint.learners_next : joint.learners).push_back(learner);
  }
  return joint;
}

Configuration LeaveJoint(const Configuration& joint) {
  Configuration left;
  left.voters = joint.voters;
  left.learners = joint.learners;
  left.learners.insert(left.learners.end(), joint.learners_next.begin(), joint.learners_next.end());
  SortUnique(left.learners);
  return left;
}

bool IsStep(const Configuration& from, const Configuration& to) {
  if (from.IsJoint()) return to == LeaveJoint(from);
  if (HasBug("members-changed-in-one-step")) return !to.voters.empty();
  const bool is_sound = !to.voters.empty() && IsAscending(to.voters) && IsAscending(to.learners) &&
                        AreDisjoint(to.voters, to.learners);
  if (!is_sound) return false;
  if (!to.IsJoint()) {
    return to.voters == from.voters && to.learners_next.empty() && !to.auto_leave;
  }
  std::vector<NodeId> learners = to.learners;
  learners.insert(learners.end(), to.learners_next.begin(), to.learners_next.end());
  SortUnique(learners);
  return to == EnterJoint(from, to.voters, learners);
}

bool Configuration::IsVoter(NodeId node) const {
  return Contains(voters, node) || Contains(voters_outgoing, node);
}

bool Configuration::IsMember(NodeId node) const {
  return IsVoter(node) || Contains(learners, node);
}

std::vector<NodeId> Configuration::Members() const {
  std::vector<NodeId> members = voters;
  members.insert(members.end(), voters_outgoing.begin(), voters_outgoing.end());
  members.insert(members.end(), learners.begin(), learners.end());
  SortUnique(members);
  return members;
}

std::vector<NodeId> Configuration::Voters() const {
  std::vector<NodeId> all = voters;
  all.insert(all.end(), voters_outgoing.begin(), voters_outgoing.end());
  SortUnique(all);
  return all;
}

bool Configuration::IsSingleVoter(NodeId node) const {
  return !IsJoint() && voters.size() == 1 && voters.front() == node;
}

bool Configuration::HasQuorum(const std::function<bool(NodeId)>& has) const {
  const bool is_enough = !IsJoint() || HasBug("joint-read-asks-new-majority-only");
  return HasMajority(voters, has) && (is_enough || HasMajority(voters_outgoing, has));
}

LogIndex Configuration::QuorumIndex(const std::function<LogIndex(NodeId)>& match) const {
  if (HasBug("learner-counted")) {
    Configuration all = *this;
    all.voters.insert(all.voters.end(), learners.begin(), learners.end());
    return QuorumValue<LogIndex>(all, match);
  }
  return QuorumValue<LogIndex>(*this, match);
}

MonotonicTime Configuration::QuorumTime(const std::function<MonotonicTime(NodeId)>& time) const {
  return QuorumValue<MonotonicTime>(*this, time);
}

VoteOutcome Configuration::Tally(const std::function<int(NodeId)>& vote) const {
  const VoteOutcome incoming = TallyMajority(voters, vote);
  if (HasBug("joint-elects-by-new-majority-only")) return incoming;
  if (!IsJoint() || incoming == VoteOutcome::kLost) return incoming;
  const VoteOutcome outgoing = TallyMajority(voters_outgoing, vote);
  if (outgoing == VoteOutcome::kLost) return VoteOutcome::kLost;
  const bool won = incoming == VoteOutcome::kWon && outgoing == VoteOutcome::kWon;
  return won ? VoteOutcome::kWon : VoteOutcome::kPending;
}

}  // namespace seshat
