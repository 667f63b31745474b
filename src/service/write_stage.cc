#include "write_stage.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "forward_envelope.h"
#include "outcome_replies.h"
#include "proposal_batch.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"
#include "seshat/commands/data_command.h"

namespace seshat {
namespace {

// Hints followed one after the other before waiting: two nodes may point at each other for a while.
constexpr std::size_t kRedirectionsMax = 3;

std::string Seconds(Duration span) {
  return fmt::format("{} s", std::chrono::duration<double>(span).count());
}

std::vector<std::string> OwnedArguments(std::string_view command) {
  DataCommand decoded;
  SESHAT_CHECK(DecodeDataCommand(command, decoded).has_value());
  return {decoded.arguments.begin(), decoded.arguments.end()};
}

// Whether somebody else may still take the command.
bool MayTryElsewhere(const Error& error) {
  return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kCancelled ||
         error.code() == ErrorCode::kDeadlineExceeded;
}

bool IsFullQueue(const Error& error) {
  return error.code() == ErrorCode::kResourceExhausted;
}

}  // namespace

void WriteStage::Add(const CommandSpec& spec, std::string command) {
  open_bytes_ += command.size();
  open_.push_back({AddOpen(spec), std::move(command)});
}

void WriteStage::Attempt() {
  ShardGroup* here = replica();
  if (here != nullptr && here->IsLeader()) return ProposeHere();
  const NodeId leader = LeaderToAsk(std::exchange(hint_, kNoNode));
  if (leader == kNoNode) return WaitForLeader();
  Forward(leader);
}

void WriteStage::ProposeHere() {
  phase_ = Phase::kProposed;
  std::vector<std::string> commands;
  commands.reserve(open_.size());
  for (const Open& open : open_) commands.push_back(open.command);
  ProposeBatch(*replica(), std::move(commands),
               [self = std::static_pointer_cast<WriteStage>(shared_from_this())](
                   std::vector<CommandOutcome> outcomes) mutable {
                 IoLane& lane = self->lane();
                 lane.Push([stage = std::move(self), outcomes = std::move(outcomes)]() mutable {
                   stage->OnOutcomes(std::move(outcomes));
                 });
               });
}

void WriteStage::OnOutcomes(std::vector<CommandOutcome> outcomes) {
  if (finished()) return;
  phase_ = Phase::kIdle;
  std::size_t last_in_log = 0;  // commands up to here have, or may have, taken their place in it
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].kind != CommandOutcome::Kind::kNotApplied) last_in_log = i + 1;
  }
  std::vector<Open> still_open;
  std::optional<CommandOutcome> refusal;  // the first of those that may be tried again
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CommandOutcome& outcome = outcomes[i];
    const std::size_t index = open_[i].index;
    switch (outcome.kind) {
      case CommandOutcome::Kind::kApplied:
        Settle(index, std::move(outcome.reply));
        break;
      case CommandOutcome::Kind::kOutcomeUnknown:
        Settle(index, HasBug("unknown-told-as-refusal") ? NotApplied("a leader was lost")
                                                        : OutcomeUnknown(outcome.error.message()));
        break;
      case CommandOutcome::Kind::kNotApplied:
      case CommandOutcome::Kind::kPending:
        // Retried behind a later command of its connection, it would take effect out of order.
        if (i >= last_in_log && (MayTryElsewhere(outcome.error) || IsFullQueue(outcome.error))) {
          still_open.push_back(std::move(open_[i]));
          if (!refusal.has_value()) refusal = std::move(outcome);
        } else {
          Settle(index, NotAppliedBecause(outcome.error));
        }
        break;
    }
  }
  open_ = std::move(still_open);
  if (open_.empty()) return Finish();
  if (IsFullQueue(refusal->error)) return WaitForRoom(refusal->error);
  TryAgain(context().options.node, refusal->leader);
}

void WriteStage::Forward(NodeId leader) {
  phase_ = Phase::kForwarded;
  ForwardRequest request{.group = group(),
                         .commands = {},
                         .version = version(),
                         .user = "default",
                         .time_left = deadline() - context().ports.clock->Now(),
                         .request_id = context().last_request_id.fetch_add(1) + 1};
  request.commands.reserve(open_.size());
  for (const Open& open : open_) request.commands.push_back(OwnedArguments(open.command));
  context().ports.transport->Call(
      leader, CallKind::kForward, EncodeForwardRequest(request), deadline(),
      [self = std::static_pointer_cast<WriteStage>(shared_from_this()),
       leader](Result<std::string> answer) mutable {
        IoLane& lane = self->lane();
        lane.Push([stage = std::move(self), leader, answer = std::move(answer)]() mutable {
          stage->OnForwarded(leader, std::move(answer));
        });
      });
}

void WriteStage::OnForwarded(NodeId leader, Result<std::string> answer) {
  if (finished()) return;
  phase_ = Phase::kIdle;
  if (answer) return OnForwardReply(leader, *answer);
  const Error& error = answer.error();
  if (MayTryElsewhere(error) || HasBug("unknown-forward-sent-again")) return WaitForLeader();
  if (IsFullQueue(error)) return WaitForRoom(error);
  SettleAll(OutcomeUnknown(error.message()));
}

void WriteStage::OnForwardReply(NodeId leader, std::string_view bytes) {
  Result<ForwardReply> reply = DecodeForwardReply(bytes);
  if (!reply) return SettleAll(OutcomeUnknown(reply.error().message()));
  switch (reply->status) {
    case ForwardReply::Status::kNotLeader:
      return TryAgain(leader, reply->leader);
    case ForwardReply::Status::kRefused:
      return SettleAll(Reply::Error(std::move(reply->message)));
    case ForwardReply::Status::kBusy:
      return WaitForRoom(Error(ErrorCode::kResourceExhausted, std::move(reply->message)));
    case ForwardReply::Status::kDone:
      break;
  }
  if (reply->replies.size() != open_.size()) {
    return SettleAll(
        OutcomeUnknown(fmt::format("node {} answered {} of {} commands", leader.value(),
                                   reply->replies.size(), open_.size())));
  }
  for (std::size_t i = 0; i < open_.size(); ++i) {
    SettleEncoded(open_[i].index, std::move(reply->replies[i]));
  }
  open_.clear();
  Finish();
}

void WriteStage::TryAgain(NodeId asked, NodeId hint) {
  if (hint == kNoNode || hint == asked || ++redirections_ > kRedirectionsMax) {
    return WaitForLeader();
  }
  hint_ = hint;
  Attempt();
}

void WriteStage::WaitForLeader() {
  redirections_ = 0;
  switch (Park(open_.size())) {
    case Parking::kParked:
      return;
    case Parking::kTooMany:
      return SettleAll(
          NotApplied(fmt::format("no leader for shard {}, and {} commands wait for one already",
                                 group().value(), context().options.parked_commands_max)));
    case Parking::kTooLong:
      return SettleAll(NotApplied(fmt::format("no leader for shard {} within {}", group().value(),
                                              Seconds(context().options.leaderless_wait))));
  }
}

void WriteStage::WaitForRoom(const Error& why) {
  const MonotonicTime now = context().ports.clock->Now();
  if (full_since_ == kNever) full_since_ = now;
  if (now - full_since_ >= context().options.leaderless_wait) {
    return SettleAll(NotAppliedBecause(why));
  }
  RetrySoon();
}

void WriteStage::Retry() {
  Unpark();
  if (!finished()) Attempt();
}

void WriteStage::OnDeadline() {
  const std::string limit = Seconds(context().options.request_timeout);
  if (phase_ == Phase::kIdle) {
    return SettleAll(NotApplied(fmt::format("not possible within {}", limit)));
  }
  SettleAll(OutcomeUnknown(fmt::format("no result within {}", limit)));
}

}  // namespace seshat
