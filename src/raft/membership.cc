// The configurations in the log: which are in force, and how one follows another.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

std::span<const std::pair<LogIndex, Configuration>> Core::Impl::LiveConfigurations() const {
  auto first = configurations_.begin();
  while (std::next(first) != configurations_.end() && std::next(first)->first <= log_.commit()) {
    ++first;
  }
  return {first, configurations_.end()};
}

Role Core::Impl::PassiveRole() const {
  return configuration().IsVoter(options_.id) ? Role::kFollower : Role::kLearner;
}

void Core::Impl::OnConfigurationChanged() {
  if (role_ == Role::kLeader) {
    RebuildProgress();
  } else if (role_ == Role::kFollower || role_ == Role::kLearner) {
    role_ = PassiveRole();
  }
}

void Core::Impl::TakeConfiguration(LogIndex index, const Configuration& configuration) {
  configurations_.emplace_back(index, configuration);
  OnConfigurationChanged();
}

void Core::Impl::ForgetConfigurationsFrom(LogIndex index) {
  if (HasBug("replaced-members-stay")) return;
  bool has_changed = false;
  while (configurations_.back().first >= index) {
    configurations_.pop_back();
    has_changed = true;
    // The first one is committed, and nothing committed is ever truncated.
    SESHAT_CHECK(!configurations_.empty());
  }
  if (has_changed) OnConfigurationChanged();
}

bool Core::Impl::MustLeaveJoint() const {
  if (HasBug("joint-never-left")) return false;
  const auto& [index, present] = configurations_.back();
  const bool is_committed = index <= log_.commit() || HasBug("joint-left-before-committed");
  return role_ == Role::kLeader && present.IsJoint() && present.auto_leave && is_committed;
}

Result<ProposalPosition> Core::Impl::ProposeConfiguration(Configuration next, Payload data,
                                                          MonotonicTime now) {
  AdvanceTime(now);
  const std::size_t bytes = Entry::kOverheadBytes + (data ? data->size() : 0);
  if (Status may = CheckMayPropose(bytes); !may) return std::unexpected(may.error());
  // A leader that changes the members before it has committed anything may follow one that did the
  // same, and their majorities need not meet (trap 7).
  if (!LeadsWithCommit()) {
    return MakeError(ErrorCode::kFailedPrecondition, "the new leader has not committed yet");
  }
  if (configurations_.back().first > log_.commit() && !HasBug("joint-left-before-committed")) {
    return MakeError(ErrorCode::kFailedPrecondition, "another change of members is under way");
  }
  if (!IsStep(configuration(), next)) {
    return MakeError(ErrorCode::kInvalidArgument, "the members cannot be changed so in one step");
  }
  AppendAsLeader(EntryType::kConfig, std::move(data),
                 std::make_shared<const Configuration>(std::move(next)));
  return ProposalPosition{.term = term_, .index = log_.last_index()};
}

}  // namespace seshat
