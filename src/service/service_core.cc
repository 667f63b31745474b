#include "service_core.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "client_connection.h"
#include "proposal_batch.h"
#include "seshat/base/check.h"
#include "seshat/resp/reply_decoder.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

// Redis's words, which name Redis: clients and operators search for them.
constexpr std::string_view kProtectedMode =
    "DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is set for the default user. In this mode connections are only accepted from the loopback "
    "interface. If you want to connect from external computers to Redis you may adopt one of the "
    "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET "
    "protected-mode no' from the loopback interface by connecting to Redis from the same host the "
    "server is running, however MAKE SURE Redis is not publicly accessible from internet if you "
    "do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just "
    "disable the protected mode by editing the Redis configuration file, and setting the "
    "protected mode option to 'no', and then restarting the server. 3) If you started the server "
    "manually just for testing, restart it with the '--protected-mode no' option. 4) Set up an "
    "authentication password for the default user. NOTE: You only need to do one of the above "
    "things in order for the server to start accepting connections from the outside.";

Result<Reply> ToResult(CommandOutcome outcome) {
  switch (outcome.kind) {
    case CommandOutcome::Kind::kApplied:
      return std::move(outcome.reply);
    case CommandOutcome::Kind::kOutcomeUnknown:
      return MakeError(ErrorCode::kOutcomeUnknown, outcome.error.message());
    default:
      return MakeError(ErrorCode::kUnavailable, outcome.error.message());
  }
}

Result<Reply> ToResult(Result<std::string> answer) {
  if (!answer) return std::unexpected(std::move(answer).error());
  Result<ForwardReply> reply = DecodeForwardReply(*answer);
  if (!reply) return MakeError(ErrorCode::kOutcomeUnknown, reply.error().message());
  switch (reply->status) {
    case ForwardReply::Status::kNotLeader:
      return MakeError(ErrorCode::kUnavailable, "the node asked does not lead the system group");
    case ForwardReply::Status::kRefused:
    case ForwardReply::Status::kBusy:
      return MakeError(ErrorCode::kUnavailable, reply->message);
    case ForwardReply::Status::kDone:
      break;
  }
  if (reply->replies.size() != 1) {
    return MakeError(ErrorCode::kOutcomeUnknown, "the leader's answer has no reply in it");
  }
  RespDecoder decoder;
  decoder.Feed(reply->replies.front());
  Result<std::optional<Reply>> only = decoder.Next();
  if (!only || !only->has_value()) {
    return MakeError(ErrorCode::kOutcomeUnknown, "the leader's reply does not decode");
  }
  return **std::move(only);
}

}  // namespace

ServiceCore::ServiceCore(const ServiceOptions& options, const ServicePorts& ports)
    : context_(std::make_shared<ServiceContext>(options, ports)),
      forwards_(std::make_shared<ForwardReceiver>(*context_)) {
  SESHAT_CHECK_MSG(ports.store != nullptr && ports.transport != nullptr &&
                       ports.groups != nullptr && ports.fatal != nullptr &&
                       ports.background != nullptr && !ports.read_pool.empty(),
                   "every port of ServicePorts but write_refusal and snapshots must be set");
}

ServiceCore::~ServiceCore() {
  MutexLock lock(mutex_);
  for (auto& [executor, lane] : lanes_) lane->Clear();
}

void ServiceCore::AddGroup(GroupId id, std::shared_ptr<ShardGroup> group,
                           std::shared_ptr<DataGroupInfo> info) {
  const ServicePorts& ports = context_->ports;
  auto expiry = std::make_shared<ExpiryDriver>(id, group, info,
                                               ExpiryPorts{.clock = ports.clock,
                                                           .store = ports.store,
                                                           .background = ports.background,
                                                           .fatal = ports.fatal});
  auto comparer = std::make_shared<StateComparer>(
      context_->options.node, id, group, info, context_->options.state_comparison_interval,
      StateComparerPorts{.clock = ports.clock,
                         .background = ports.background,
                         .report = [this](const StateReport& report) {
                           ProposeSystem(SystemGroup(), EncodeReportState(report),
                                         [](const Result<Reply>&) {});
                         }});
  context_->router.AddReplica(
      id,
      {.group = std::move(group), .info = std::move(info), .expiry = expiry, .comparer = comparer});
  expiry->Start();
  comparer->Start();
}

std::shared_ptr<ShardGroup> ServiceCore::SystemGroup() const {
  std::shared_ptr<GroupDriver> driver = context_->ports.groups->Find(kSystemGroup);
  return driver == nullptr ? nullptr : MakeShardGroup(std::move(driver));
}

std::unique_ptr<RequestHandler> ServiceCore::Accept(const PeerAddress& peer, ReplySink& sink,
                                                    Executor& executor, std::string& refusal) {
  const ServiceOptions& options = context_->options;
  if (options.protected_mode && options.password.empty() && !peer.is_loopback) {
    refusal = kProtectedMode;
    return nullptr;
  }
  std::shared_ptr<ClientRecord> record = context_->clients.Add(peer, context_->ports.clock->Now());
  if (record == nullptr) {
    refusal = "ERR max number of clients reached";
    return nullptr;
  }
  return std::make_unique<ClientConnection>(context_, LaneOf(executor), std::move(record), sink);
}

std::shared_ptr<IoLane> ServiceCore::LaneOf(Executor& executor) {
  MutexLock lock(mutex_);
  std::shared_ptr<IoLane>& lane = lanes_[&executor];
  if (lane == nullptr) lane = std::make_shared<IoLane>(executor, *context_->ports.clock);
  return lane;
}

void ServiceCore::ProposeSystem(std::shared_ptr<ShardGroup> group, std::string command,
                                UniqueFunction<void(Result<Reply>)> done) {
  if (group == nullptr) {
    return done(MakeError(ErrorCode::kUnavailable, "the system group has not started"));
  }
  if (group->IsLeader()) {
    std::vector<std::string> commands;
    commands.push_back(std::move(command));
    return ProposeBatch(*group, std::move(commands),
                        [done = std::move(done)](std::vector<CommandOutcome> outcomes) mutable {
                          done(ToResult(std::move(outcomes.front())));
                        });
  }
  const NodeId leader = group->Leader();
  if (leader == kNoNode || leader == context_->options.node) {
    return done(MakeError(ErrorCode::kUnavailable, "the system group has no leader"));
  }
  const Duration timeout = context_->options.leaderless_wait;
  const ForwardRequest request{.group = kSystemGroup,
                               .commands = {{std::move(command)}},
                               .version = RespVersion::kResp3,
                               .user = "",
                               .time_left = timeout,
                               .request_id = context_->last_request_id.fetch_add(1) + 1};
  context_->ports.transport->Call(leader, CallKind::kForward, EncodeForwardRequest(request),
                                  context_->ports.clock->Now() + timeout,
                                  [done = std::move(done)](Result<std::string> answer) mutable {
                                    done(ToResult(std::move(answer)));
                                  });
}

void ServiceCore::StopAccepting() {
  context_->stopping.store(true, std::memory_order_release);
  for (const auto& [group, replica] : context_->router.Replicas()) {
    replica.expiry->Stop();
    replica.comparer->Stop();
  }
}

bool ServiceCore::IsIdle() const {
  return context_->metrics.in_flight() == 0 && forwards_->in_flight() == 0;
}

}  // namespace seshat
