#include "forward_receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cluster_records.h"
#include "leader_commands.h"
#include "outcome_replies.h"
#include "proposal_batch.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/validation.h"
#include "seshat/resp/reply_encoder.h"

namespace seshat {
namespace {

std::string Encoded(const Reply& reply, RespVersion version) {
  std::string bytes;
  EncodeReply(reply, version, bytes);
  return bytes;
}

std::string Refusal(Reply why) {
  return EncodeForwardReply({.status = ForwardReply::Status::kRefused,
                             .leader = kNoNode,
                             .replies = {},
                             .message = std::move(why.text)});
}

std::string Busy(std::string what) {
  return EncodeForwardReply({.status = ForwardReply::Status::kBusy,
                             .leader = kNoNode,
                             .replies = {},
                             .message = std::move(what)});
}

std::string NotLeader(NodeId leader) {
  return EncodeForwardReply(
      {.status = ForwardReply::Status::kNotLeader, .leader = leader, .replies = {}, .message = {}});
}

}  // namespace

void ForwardReceiver::OnCall(NodeId from, std::string request, SendReply reply) {
  Result<ForwardRequest> decoded = DecodeForwardRequest(request);
  if (!decoded) return reply(Refusal(NotApplied(decoded.error().message())));
  if (!TakeBytes(from, request.size())) {
    return reply(Busy(fmt::format(
        "{} bytes of commands forwarded by node {} are in flight on node {}, its limit",
        context_.options.forward_bytes_max, from.value(), context_.options.node.value())));
  }
  Receive(from, request.size(), *std::move(decoded), std::move(reply));
}

void ForwardReceiver::Receive(NodeId from, std::size_t size_bytes, ForwardRequest request,
                              SendReply reply) {
  const auto refuse = [&](std::string answer) {
    ReleaseBytes(from, size_bytes);
    reply(std::move(answer));
  };
  const std::shared_ptr<ShardGroup> group = FindGroup(request.group);
  if (group == nullptr || context_.stopping.load(std::memory_order_acquire)) {
    return refuse(NotLeader(kNoNode));
  }
  if (!group->IsLeader()) return refuse(NotLeader(group->Leader()));
  Work work = Prepare(request);
  if (work.leader_command != nullptr) {
    return ExecuteAsLeader(*work.leader_command, from, size_bytes, request, group,
                           std::move(reply));
  }
  if (const auto& refusal = context_.ports.write_refusal;
      refusal && request.group != kSystemGroup) {
    if (const std::optional<std::string> why = refusal())
      return refuse(Refusal(WritesRefused(*why)));
  }
  if (work.commands.empty()) {
    return refuse(EncodeForwardReply(Conclude(std::move(work), {})));
  }
  std::vector<std::string> commands = std::exchange(work.commands, {});
  ProposeBatch(*group, std::move(commands),
               [self = shared_from_this(), from, size_bytes, work = std::move(work),
                reply = std::move(reply)](std::vector<CommandOutcome> outcomes) mutable {
                 self->ReleaseBytes(from, size_bytes);
                 reply(EncodeForwardReply(Conclude(std::move(work), std::move(outcomes))));
               });
}

void ForwardReceiver::ExecuteAsLeader(const CommandSpec& spec, NodeId from, std::size_t size_bytes,
                                      const ForwardRequest& request,
                                      std::shared_ptr<ShardGroup> group, SendReply reply) {
  const std::vector<std::string>& command = request.commands.front();
  const std::vector<std::string_view> arguments(command.begin(), command.end());
  const Duration time_left = std::min(request.time_left, context_.options.request_timeout);
  ExecuteLeaderCommand(
      spec, arguments, from, context_.ports.clock->Now() + time_left, group,
      [self = shared_from_this(), from, size_bytes, group, version = request.version,
       reply = std::move(reply)](Result<Reply> result) mutable {
        self->ReleaseBytes(from, size_bytes);
        if (!result && result.error().code() == ErrorCode::kUnavailable) {
          return reply(NotLeader(group->Leader()));
        }
        if (!result) return reply(Refusal(UnreadableBecause(result.error())));
        reply(EncodeForwardReply({.status = ForwardReply::Status::kDone,
                                  .leader = kNoNode,
                                  .replies = {Encoded(*result, version)},
                                  .message = {}}));
      });
}

std::shared_ptr<ShardGroup> ForwardReceiver::FindGroup(GroupId group) {
  if (group == kSystemGroup) {
    std::shared_ptr<GroupDriver> driver = context_.ports.groups->Find(kSystemGroup);
    return driver == nullptr ? nullptr : MakeShardGroup(std::move(driver));
  }
  const auto replicas = context_.router.Replicas();
  const auto it = replicas.find(group);
  return it == replicas.end() ? nullptr : it->second.group;
}

ForwardReceiver::Work ForwardReceiver::Prepare(const ForwardRequest& request) {
  Work work{.version = request.version, .replies = {}, .commands = {}};
  for (const std::vector<std::string>& command : request.commands) {
    Reply refusal;
    Result<std::string> prepared = PrepareOne(request, command, refusal, work.leader_command);
    work.replies.push_back(prepared ? "" : Encoded(refusal, request.version));
    if (prepared) work.commands.push_back(*std::move(prepared));
  }
  return work;
}

Result<std::string> ForwardReceiver::PrepareOne(const ForwardRequest& request,
                                                const std::vector<std::string>& command,
                                                Reply& refusal,
                                                const CommandSpec*& leader_command) {
  const auto refuse = [&](Reply why) {
    refusal = std::move(why);
    return MakeError(ErrorCode::kInvalidArgument, refusal.text);
  };
  if (request.group == kSystemGroup) {
    // What does not decode must not enter the log: it would stop every node that applies it.
    if (Result<SystemCommand> decoded = DecodeSystemCommand(command.front()); !decoded) {
      return refuse(NotApplied(decoded.error().message()));
    }
    return command.front();
  }
  const std::vector<std::string_view> arguments(command.begin(), command.end());
  const std::expected<const CommandSpec*, Reply> spec = ResolveCommand(arguments);
  if (!spec) return refuse(spec.error());
  const bool is_for_leader = (*spec)->kind == CommandKind::kLeader && request.commands.size() == 1;
  if ((*spec)->kind != CommandKind::kWrite && !is_for_leader) {
    return refuse(NotApplied(fmt::format("{} is not a write", (*spec)->full_name)));
  }
  const std::shared_ptr<const RoutingTable> table = context_.router.Table();
  if (std::optional<Reply> error = ValidateCommand(**spec, arguments, table->state().limits)) {
    return refuse(*std::move(error));
  }
  if (is_for_leader) {
    leader_command = *spec;
    return std::string();  // nothing for the log
  }
  const std::expected<const ShardRoute*, Reply> route = table->Find(**spec, arguments);
  if (!route) return refuse(route.error());
  if ((*route)->id != request.group) {
    return refuse(NotApplied(fmt::format("shard {} does not have the key", request.group.value())));
  }
  return EncodeClientCommand(arguments);
}

ForwardReply ForwardReceiver::Conclude(Work work, std::vector<CommandOutcome> outcomes) {
  ForwardReply answer{.status = ForwardReply::Status::kDone,
                      .leader = kNoNode,
                      .replies = std::move(work.replies),
                      .message = {}};
  // When nothing was proposed the whole call may go elsewhere, or come again.
  if (outcomes.size() == answer.replies.size() &&
      std::ranges::all_of(outcomes, [](const CommandOutcome& outcome) {
        return outcome.kind == CommandOutcome::Kind::kNotApplied;
      })) {
    const auto full =
        std::ranges::find(outcomes, ErrorCode::kResourceExhausted,
                          [](const CommandOutcome& each) { return each.error.code(); });
    const bool is_busy = full != outcomes.end();
    answer.status = is_busy ? ForwardReply::Status::kBusy : ForwardReply::Status::kNotLeader;
    if (is_busy) answer.message = full->error.message();
    if (!is_busy) answer.leader = outcomes.front().leader;
    answer.replies.clear();
    return answer;
  }
  std::size_t next = 0;
  for (std::string& reply : answer.replies) {
    if (!reply.empty()) continue;
    CommandOutcome& outcome = outcomes[next++];
    switch (outcome.kind) {
      case CommandOutcome::Kind::kApplied:
        reply = Encoded(outcome.reply, work.version);
        break;
      case CommandOutcome::Kind::kOutcomeUnknown:
        reply = Encoded(OutcomeUnknown(outcome.error.message()), work.version);
        break;
      case CommandOutcome::Kind::kPending:
      case CommandOutcome::Kind::kNotApplied:
        reply = Encoded(NotAppliedBecause(outcome.error), work.version);
        break;
    }
  }
  return answer;
}

bool ForwardReceiver::TakeBytes(NodeId from, std::size_t bytes) {
  MutexLock lock(mutex_);
  std::size_t& in_flight = bytes_[from];
  // A single request larger than what is left still goes when it is alone.
  if (in_flight > 0 && in_flight + bytes > context_.options.forward_bytes_max) return false;
  in_flight += bytes;
  in_flight_.fetch_add(1, std::memory_order_acq_rel);
  return true;
}

void ForwardReceiver::ReleaseBytes(NodeId from, std::size_t bytes) {
  MutexLock lock(mutex_);
  bytes_[from] -= bytes;
  in_flight_.fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace seshat
