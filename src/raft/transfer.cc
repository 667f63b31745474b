// Handing leadership over: to whom, when it is told, and what the leader gives up for it.
//
// Who is told campaigns at once, and voters forget for it what they promised this leader. So the
// leader may count on no promise any more: its leases end before the other is told (read rule 4),
// and for the rest of its term, because the word may arrive late, when the transfer was given up.
#include <algorithm>

#include <fmt/format.h>

#include "core_impl.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

NodeId Core::Impl::ChooseTransferee() const {
  const Progress* best = nullptr;
  for (const Progress& follower : followers_) {
    const bool answers = now_ < follower.last_contact + options_.election_timeout_min;
    if (!answers || !configuration().IsVoter(follower.id)) continue;
    if (best == nullptr || follower.match > best->match) best = &follower;
  }
  return best == nullptr ? kNoNode : best->id;
}

Status Core::Impl::TransferLeadership(NodeId to, MonotonicTime now) {
  AdvanceTime(now);
  if (role_ != Role::kLeader) return MakeError(ErrorCode::kUnavailable, "not the leader");
  if (transferee_ != kNoNode) {
    return MakeError(
        ErrorCode::kFailedPrecondition,
        fmt::format("leadership is being handed over to node {} already", transferee_.value()));
  }
  if (to == options_.id) {
    return MakeError(ErrorCode::kInvalidArgument, fmt::format("node {} leads already", to.value()));
  }
  if (to == kNoNode) to = ChooseTransferee();
  if (to == kNoNode) {
    return MakeError(ErrorCode::kUnavailable, "no other voter answers: nobody could take over");
  }
  if (!configuration().IsVoter(to)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("node {} is no voter of the group", to.value()));
  }
  transferee_ = to;
  has_told_transferee_ = false;
  transfer_deadline_ = now_ + options_.election_timeout_max;
  TellTransfereeIfLevel();
  return {};
}

// With less than the whole log it would lose the election, and the group a leader.
void Core::Impl::TellTransfereeIfLevel() {
  if (transferee_ == kNoNode || has_told_transferee_) return;
  const Progress* const follower = FindProgress(transferee_);
  if (follower == nullptr || follower->match != log_.last_index()) return;
  has_told_transferee_ = true;
  gave_up_leases_ = !HasBug("lease-resumed-after-transfer");
  SendNow(NewMessage(MessageType::kTimeoutNow, transferee_));
}

void Core::Impl::ForgetTransfer() {
  transferee_ = kNoNode;
  gave_up_leases_ = false;
}

// Nobody but the leader that was promised something can waive it.
void Core::Impl::OnTimeoutNow(const Message& message) {
  if (role_ != Role::kFollower || message.from != leader_ || !MayCampaign()) return;
  StartElection(true);
}

}  // namespace seshat
