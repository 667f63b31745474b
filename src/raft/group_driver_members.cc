// Changes of a group's members on the raft executor: from one list of members to another, through
// the joint configuration where voters change.
#include <utility>

#include "group_driver_impl.h"
#include "seshat/base/seeded_bug.h"
#include "state_codec.h"

namespace seshat {

void GroupDriver::Impl::ChangeMembers(std::vector<NodeId> voters, std::vector<NodeId> learners,
                                      ChangeDone done) {
  MemberChange change;
  change.target.voters = std::move(voters);
  change.target.learners = std::move(learners);
  change.done = std::move(done);
  const bool is_running = Enqueue(
      Urgency::kNow, [&](Inbox& inbox) { inbox.member_changes.push_back(std::move(change)); });
  if (is_running) return;
  change.done(MakeError(ErrorCode::kUnavailable, "the group does not run on this node"));
}

void GroupDriver::Impl::BeginMemberChanges(std::vector<MemberChange>& changes, MonotonicTime now) {
  for (MemberChange& change : changes) {
    FinishMemberChange();  // the one before may have ended in this very cycle
    const Configuration present = core_.GetStatus().configuration;
    Status begun;
    if (member_change_ || present.IsJoint()) {
      begun = MakeError(ErrorCode::kFailedPrecondition, "another change of members is under way");
    } else if (present != change.target) {
      const bool is_one_step =
          present.voters == change.target.voters || HasBug("members-changed-in-one-step");
      begun = ProposeMembers(
          is_one_step ? change.target
                      : EnterJoint(present, change.target.voters, change.target.learners),
          now);
    }
    if (begun) {
      member_change_ = std::move(change);
    } else {
      change.done(std::move(begun));
    }
  }
}

Status GroupDriver::Impl::ProposeMembers(const Configuration& next, MonotonicTime now) {
  const Result<ProposalPosition> position = core_.ProposeConfiguration(
      next, std::make_shared<const std::string>(EncodeConfiguration(next)), now);
  if (!position) return std::unexpected(position.error());
  return {};
}

// Whoever leads when a joint configuration is committed sees it through. Refused while leadership
// is handed over: then the next leader does it.
void GroupDriver::Impl::LeaveJointIfDue(MonotonicTime now) {
  if (!core_.MustLeaveJoint()) return;
  [[maybe_unused]] const Status proposed =
      ProposeMembers(LeaveJoint(core_.GetStatus().configuration), now);
}

void GroupDriver::Impl::FinishMemberChange() {
  if (!member_change_) return;
  const CoreStatus status = core_.GetStatus();
  const bool is_committed = status.configuration_index <= status.commit_index;
  if (is_committed && status.configuration == member_change_->target) {
    return std::exchange(member_change_, std::nullopt)->done({});
  }
  if (status.role == Role::kLeader) return;
  std::exchange(member_change_, std::nullopt)
      ->done(MakeError(ErrorCode::kUnavailable, "leadership changed: the members may yet change"));
}

void GroupDriver::Impl::FailMemberChanges(std::vector<MemberChange>& changes, const Error& why) {
  if (member_change_) std::exchange(member_change_, std::nullopt)->done(std::unexpected(why));
  for (MemberChange& change : changes) change.done(std::unexpected(why));
}

}  // namespace seshat
