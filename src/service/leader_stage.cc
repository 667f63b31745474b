#include "leader_stage.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "forward_envelope.h"
#include "leader_commands.h"
#include "outcome_replies.h"

namespace seshat {
namespace {

// What an answer that the leader gives at the last moment takes to come here.
constexpr Duration kGrace = std::chrono::milliseconds(500);

Duration PatienceFor(const StageSetup& setup, const CommandSpec& spec, Arguments arguments) {
  return PatienceOf(spec, arguments, setup.context->options.request_timeout);
}

}  // namespace

LeaderStage::LeaderStage(StageSetup setup, const CommandSpec& spec, Arguments arguments)
    : Stage(setup),
      spec_(spec),
      arguments_(arguments),
      index_(AddOpen(spec)),
      until_(setup.started_at + PatienceFor(setup, spec, arguments)) {}

MonotonicTime LeaderStage::deadline() const {
  return until_ + kGrace;
}

void LeaderStage::Start() {
  if (spec_.id != CommandId::kClusterFailover) return Attempt();
  if (replica() != nullptr && replica()->IsLeader()) {
    return Answer(Reply::Error("ERR You should send CLUSTER FAILOVER to a replica"));
  }
  if (arguments_.view().size() > 2) {
    return Answer(
        Reply::Error("ERR CLUSTER FAILOVER without the leader could lose acknowledged writes: only "
                     "the coordinated form exists, without FORCE or TAKEOVER"));
  }
  if (replica() == nullptr) {
    return Answer(
        Reply::Error(fmt::format("ERR this node has no replica of shard {}", group().value())));
  }
  Attempt();
}

void LeaderStage::Attempt() {
  if (replica() != nullptr && replica()->IsLeader()) return ExecuteHere();
  const NodeId leader = LeaderToAsk(std::exchange(hint_, kNoNode));
  if (leader == kNoNode) return WaitForLeader();
  Forward(leader);
}

void LeaderStage::ExecuteHere() {
  // Asked for before, won since.
  if (spec_.id == CommandId::kClusterFailover) return Answer(Reply::Ok());
  ExecuteLeaderCommand(
      spec_, arguments_.view(), context().options.node, until_, route().replica.group,
      [self =
           std::static_pointer_cast<LeaderStage>(shared_from_this())](Result<Reply> reply) mutable {
        IoLane& lane = self->lane();
        lane.Push([stage = std::move(self), reply = std::move(reply)]() mutable {
          stage->OnReply(std::move(reply));
        });
      });
}

void LeaderStage::OnReply(Result<Reply> reply) {
  if (finished()) return;
  if (reply) return Answer(*std::move(reply));
  if (reply.error().code() == ErrorCode::kUnavailable) return WaitForLeader();
  Answer(UnreadableBecause(reply.error()));
}

void LeaderStage::Forward(NodeId leader) {
  ForwardRequest request{.group = group(),
                         .commands = {{}},
                         .version = version(),
                         .user = "default",
                         .time_left = until_ - context().ports.clock->Now(),
                         .request_id = context().last_request_id.fetch_add(1) + 1};
  for (std::string_view argument : arguments_.view()) {
    request.commands.front().emplace_back(argument);
  }
  context().ports.transport->Call(
      leader, CallKind::kForward, EncodeForwardRequest(request), deadline(),
      [self = std::static_pointer_cast<LeaderStage>(shared_from_this()),
       leader](Result<std::string> answer) mutable {
        IoLane& lane = self->lane();
        lane.Push([stage = std::move(self), leader, answer = std::move(answer)]() mutable {
          stage->OnForwarded(leader, std::move(answer));
        });
      });
}

void LeaderStage::OnForwarded(NodeId leader, Result<std::string> answer) {
  if (finished()) return;
  if (!answer) return WaitForLeader();
  OnForwardReply(leader, *answer);
}

void LeaderStage::OnForwardReply(NodeId leader, std::string_view bytes) {
  Result<ForwardReply> reply = DecodeForwardReply(bytes);
  if (!reply) return Answer(Unreadable(reply.error().message()));
  switch (reply->status) {
    case ForwardReply::Status::kNotLeader:
      if (reply->leader != leader) hint_ = reply->leader;
      return WaitForLeader();
    case ForwardReply::Status::kRefused:
      return Answer(Reply::Error(std::move(reply->message)));
    case ForwardReply::Status::kBusy:
      return WaitForLeader();
    case ForwardReply::Status::kDone:
      break;
  }
  if (reply->replies.size() != 1) {
    return Answer(Unreadable(fmt::format("node {} gave no answer", leader.value())));
  }
  const bool is_error = reply->replies.front().starts_with('-');
  if (spec_.id == CommandId::kClusterFailover && !is_error) {
    former_leader_ = leader;
    return AwaitLeadership();
  }
  SettleEncoded(index_, std::move(reply->replies.front()));
  Finish();
}

void LeaderStage::AwaitLeadership() {
  if (replica()->IsLeader()) return Answer(Reply::Ok());
  const NodeId leader = replica()->Leader();
  if (leader != kNoNode && leader != former_leader_ && leader != context().options.node) {
    return Answer(
        Reply::Error(fmt::format("ERR node {} took over, not this node", leader.value())));
  }
  WaitForLeader();
}

void LeaderStage::WaitForLeader() {
  if (context().ports.clock->Now() >= until_) return OnDeadline();
  switch (Park(1)) {
    case Parking::kParked:
      return;
    case Parking::kTooMany:
      return Answer(
          Unreadable(fmt::format("no leader for shard {}, and {} commands wait for one already",
                                 group().value(), context().options.parked_commands_max)));
    case Parking::kTooLong:
      return OnDeadline();
  }
}

void LeaderStage::Retry() {
  Unpark();
  if (finished()) return;
  if (former_leader_ != kNoNode) return AwaitLeadership();
  Attempt();
}

void LeaderStage::OnDeadline() {
  Answer(Unreadable(fmt::format("no answer from a leader of shard {} in time", group().value())));
}

void LeaderStage::Answer(Reply reply) {
  Settle(index_, std::move(reply));
  Finish();
}

}  // namespace seshat
