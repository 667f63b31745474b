#include "member_steward.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "seshat/node/log.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

constexpr std::uint64_t kLagMax = 1000;  // entries
// Longer than a driver's status may be old.
constexpr Duration kSettleTime = std::chrono::milliseconds(200);

}  // namespace

MemberSteward::Led::Led(Duration round_max) : reconciler(round_max, kLagMax) {}

MemberSteward::MemberSteward(const MemberStewardPorts& ports, Duration round_max)
    : ports_(ports), round_max_(round_max) {}

void MemberSteward::Round(const ClusterState& state) {
  if (!state.IsBootstrapped()) return;
  for (const auto& [group, driver] : ports_.groups->All()) {
    if (driver->view().is_leader.load(std::memory_order_acquire)) {
      Lead(group, *driver, state);
    } else {
      led_.erase(group);
    }
  }
}

void MemberSteward::Lead(GroupId group, GroupDriver& driver, const ClusterState& state) {
  Led& led = led_.try_emplace(group, round_max_).first->second;
  const MonotonicTime now = ports_.clock->Now();
  if (led.is_changing || now < led.not_before) return;
  const CoreStatus status = driver.GetStatus().core;
  const MembersStep step = led.reconciler.Next(state.DesiredVoters(), status, now);
  if (step.kind != MembersStep::Kind::kNone) return Take(group, led, driver, step);
  if (group == kSystemGroup) return ForgetWhoHasLeft(status, state);
  ReportVoters(group, status, state);
}

void MemberSteward::Take(GroupId group, Led& led, GroupDriver& driver, const MembersStep& step) {
  led.is_changing = true;
  auto done = [executor = ports_.executor, weak = std::weak_ptr(self_), group](Status status) {
    executor->Post([weak, group, status = std::move(status)] {
      if (const auto self = weak.lock()) (*self)->OnChanged(group, status);
    });
  };
  if (step.kind == MembersStep::Kind::kHandOver) {
    return driver.TransferLeadership(kNoNode, std::move(done), TransferReason::kLeaving);
  }
  driver.ChangeMembers(step.voters, step.learners, std::move(done));
}

void MemberSteward::OnChanged(GroupId group, const Status& status) {
  const auto led = led_.find(group);
  if (led == led_.end()) return;
  led->second.is_changing = false;
  led->second.not_before = ports_.clock->Now() + kSettleTime;
  const std::string problem = status ? "" : status.error().message();
  if (std::exchange(led->second.last_problem, problem) == problem || status) return;
  Log(LogLevel::kInfo, "node", "cannot change a group's members yet",
      {{"group", group.value()}, {"why", problem}});
}

void MemberSteward::ReportVoters(GroupId group, const CoreStatus& status,
                                 const ClusterState& state) {
  const auto shard = std::ranges::find(state.shards, group, &ShardPlacement::group);
  const bool is_settled =
      !status.configuration.IsJoint() && status.configuration_index <= status.commit_index;
  const bool is_news = shard != state.shards.end() && is_settled &&
                       shard->replicas != status.configuration.voters &&
                       status.configuration_index > shard->placed_at;
  if (!is_news) return;
  ports_.propose("tell who the voters are",
                 EncodePlaceReplicas({.group = group,
                                      .replicas = status.configuration.voters,
                                      .index = status.configuration_index}));
}

void MemberSteward::ForgetWhoHasLeft(const CoreStatus& system, const ClusterState& state) {
  const Configuration& present = system.configuration;
  if (present.IsJoint() || system.configuration_index > system.commit_index) return;
  for (const ClusterMember& member : state.members) {
    const bool is_here = present.IsMember(member.id) || state.HasReplica(member.id);
    if (!member.is_leaving || is_here) continue;
    return ports_.propose("forget the node that left", EncodeForgetNode(member.id));
  }
}

}  // namespace seshat
