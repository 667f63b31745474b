#include "member_reconciler.h"

#include <algorithm>

namespace seshat {
namespace {

constexpr int kRounds = 2;

bool Has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::ranges::binary_search(nodes, node);
}

MembersStep ChangeTo(const Configuration& present) {
  return {
      .kind = MembersStep::Kind::kChange, .voters = present.voters, .learners = present.learners};
}

void Insert(std::vector<NodeId>& nodes, NodeId node) {
  nodes.insert(std::ranges::upper_bound(nodes, node), node);
}

}  // namespace

bool MemberReconciler::HasCaughtUp(const FollowerStatus& learner, const CoreStatus& status,
                                   MonotonicTime now) {
  const auto [at, is_new] = learners_.try_emplace(learner.id);
  CatchUp& catch_up = at->second;
  if (is_new) catch_up = {.mark = status.last_index, .began_at = now};
  if (learner.match >= catch_up.mark) {
    catch_up.was_quick = now - catch_up.began_at <= round_max_;
    ++catch_up.rounds;
    catch_up.mark = status.last_index;
    catch_up.began_at = now;
  }
  const std::uint64_t lag = status.last_index.value() - learner.match.value();
  return learner.recently_active && catch_up.rounds >= kRounds && catch_up.was_quick &&
         lag < lag_max_;
}

MembersStep MemberReconciler::Next(const std::vector<NodeId>& desired, const CoreStatus& status,
                                   MonotonicTime now) {
  const Configuration& present = status.configuration;
  const bool is_settled = !present.IsJoint() && status.configuration_index <= status.commit_index;
  if (status.role != Role::kLeader || desired.empty() || !is_settled) return {};
  MembersStep step = ChangeTo(present);
  for (const NodeId learner : present.learners) {
    if (Has(desired, learner)) continue;
    std::erase(step.learners, learner);
    return step;
  }
  for (const NodeId node : desired) {
    if (present.IsMember(node)) continue;
    Insert(step.learners, node);
    return step;
  }
  for (const FollowerStatus& follower : status.followers) {
    if (!Has(present.learners, follower.id) || !HasCaughtUp(follower, status, now)) continue;
    learners_.erase(follower.id);
    std::erase(step.learners, follower.id);
    Insert(step.voters, follower.id);
    return step;
  }
  // Those who join before those who leave: an exchange does not make the group smaller.
  if (!present.learners.empty()) return {};
  const auto leaving = std::ranges::find_if(
      present.voters, [&](NodeId voter) { return !Has(desired, voter) && voter != status.id; });
  if (leaving != present.voters.end()) {
    std::erase(step.voters, *leaving);
    return step;
  }
  if (!Has(desired, status.id)) return {.kind = MembersStep::Kind::kHandOver};
  return {};
}

}  // namespace seshat
