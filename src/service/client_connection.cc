#include "client_connection.h"

#include <optional>

#include "cluster_report.h"
#include "config_report.h"
#include "connection_commands.h"
#include "info_report.h"
#include "leader_stage.h"
#include "outcome_replies.h"
#include "replication_report.h"
#include "seshat/base/check.h"
#include "seshat/commands/command_inspection.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/validation.h"
#include "seshat/ports/fatal.h"
#include "seshat/resp/reply_encoder.h"
#include "snapshot_commands.h"

namespace seshat {
namespace {

// A read of more arguments than this goes to the read pool: an I/O thread is not for long work.
constexpr std::size_t kInlineReadArgumentsMax = 128;
// Replies are handed on once they are this long: the sink drops what is over the client's limit, so
// that a turn full of reads of large values does not gather them all here first.
constexpr std::size_t kSendBytes = 1 << 20;

std::size_t BytesOf(Arguments arguments) {
  std::size_t bytes = 0;
  for (std::string_view argument : arguments) bytes += argument.size();
  return bytes;
}

Reply Time(const ServiceContext& context) {
  const std::int64_t now_ms = context.ports.clock->WallNow().value;
  return Reply::Array({Reply::Bulk(std::to_string(now_ms / 1000)),
                       Reply::Bulk(std::to_string(now_ms % 1000 * 1000))});
}

Reply ExecuteServerCommand(const CommandSpec& spec, Arguments arguments, ServiceContext& context) {
  switch (spec.id) {
    case CommandId::kInfo:
      return ExecuteInfo(arguments, context);
    case CommandId::kConfigGet:
      return ExecuteConfigGet(arguments, context);
    case CommandId::kBgSave:
      return ExecuteBgSave(context);
    case CommandId::kLastSave:
      return ExecuteLastSave(context);
    case CommandId::kRole:
      return ExecuteRole(context);
    case CommandId::kTime:
      return Time(context);
    default:
      return ExecuteCommandInspection(spec, arguments);
  }
}

}  // namespace

ClientConnection::ClientConnection(std::shared_ptr<ServiceContext> context,
                                   std::shared_ptr<IoLane> lane,
                                   std::shared_ptr<ClientRecord> record, ReplySink& sink)
    : context_(std::move(context)),
      lane_(std::move(lane)),
      sink_(sink),
      session_{.context = context_,
               .record = std::move(record),
               .version = RespVersion::kResp2,
               .authenticated = context_->options.password.empty(),
               .close_after_reply = false} {}

ClientConnection::~ClientConnection() {
  OnClosed();
  context_->clients.Remove(*session_.record);
}

void ClientConnection::OnClosed() {
  if (closed_) return;
  closed_ = true;
  closing_ = true;
  if (stage_ != nullptr) stage_->Abandon();
  stage_ = nullptr;
  blocked_.clear();
  context_->metrics.RemoveInFlight(in_flight_);
  in_flight_ = 0;
}

void ClientConnection::OnRequests(std::span<const Arguments> requests) {
  if (closing_ || requests.empty()) return;
  BeginTurn();
  session_.record->last_active_ns.store(now_.since_boot.count(), std::memory_order_relaxed);
  in_flight_ += requests.size();
  context_->metrics.AddInFlight(requests.size());
  const std::size_t taken = launched_ ? 0 : TakeAll(requests);
  if (!closing_) {
    for (Arguments arguments : requests.subspan(taken)) Block(arguments);
  }
  Flush();
}

void ClientConnection::BeginTurn() {
  now_ = context_->ports.clock->Now();
  const std::shared_ptr<const RoutingTable>& newest = lane_->Table(context_->router);
  if (table_ != newest) table_ = newest;
}

void ClientConnection::OnProtocolError(std::string_view error) {
  if (closing_ || !protocol_error_.empty()) return;
  protocol_error_ = error;
  Flush();
}

bool ClientConnection::WantsMore() const {
  return !closing_ && protocol_error_.empty() &&
         in_flight_ < context_->options.connection_commands_max &&
         blocked_bytes_ < context_->options.connection_bytes_max;
}

std::size_t ClientConnection::RequestBytesMax() const {
  return session_.authenticated ? context_->options.request_bytes_max
                                : context_->options.unauthenticated_request_bytes_max;
}

std::size_t ClientConnection::TakeAll(std::span<const Arguments> requests) {
  std::size_t taken = 0;
  while (taken < requests.size() && !closing_ && Take(requests[taken])) ++taken;
  if (stage_ != nullptr) {
    launched_ = true;
    writes_ = nullptr;
    reads_ = nullptr;
    stage_->Launch();
  }
  return taken;
}

bool ClientConnection::Take(Arguments arguments) {
  const std::expected<const CommandSpec*, Reply> resolved = ResolveCommand(arguments);
  if (!resolved) {
    Answer(nullptr, resolved.error());
    return true;
  }
  const CommandSpec& spec = **resolved;
  session_.record->last_command.store(&spec, std::memory_order_relaxed);
  if (!session_.authenticated && !Has(spec.flags, CommandFlag::kNoAuth)) {
    Answer(&spec, Reply::Error("NOAUTH Authentication required."));
    return true;
  }
  switch (spec.kind) {
    case CommandKind::kRead:
      return TakeRead(spec, arguments);
    case CommandKind::kWrite:
      return TakeWrite(spec, arguments);
    case CommandKind::kLeader:
      return TakeLeader(spec, arguments);
    case CommandKind::kConnection:
    case CommandKind::kServer:
    case CommandKind::kCluster:
      return TakeLocal(spec, arguments);
  }
  CheckFailed(__FILE__, __LINE__, "known CommandKind", spec.full_name);
}

bool ClientConnection::TakeLocal(const CommandSpec& spec, Arguments arguments) {
  if (spec.kind == CommandKind::kConnection) {
    if (stage_ != nullptr && ChangesSession(spec.id)) return false;
    Answer(&spec, ExecuteConnectionCommand(spec, arguments, session_));
    closing_ = closing_ || session_.close_after_reply;
  } else if (spec.kind == CommandKind::kCluster) {
    Answer(&spec, ExecuteClusterCommand(spec, arguments, *context_));
  } else if (spec.id == CommandId::kBgSave && stage_ != nullptr) {
    return false;  // what was written before it shall be in the snapshot
  } else if (std::optional<Reply> error =
                 ValidateCommand(spec, arguments, table_->state().limits)) {
    Answer(&spec, *std::move(error));
  } else {
    Answer(&spec, ExecuteServerCommand(spec, arguments, *context_));
  }
  return true;
}

bool ClientConnection::TakeWrite(const CommandSpec& spec, Arguments arguments) {
  if (stage_ != nullptr && writes_ == nullptr) return false;
  const auto fail = [&](Reply reply) {
    Answer(&spec, std::move(reply));
    return true;
  };
  if (context_->stopping.load(std::memory_order_acquire)) {
    return fail(NotApplied("this node is stopping"));
  }
  if (std::optional<Reply> error = ValidateCommand(spec, arguments, table_->state().limits)) {
    return fail(*std::move(error));
  }
  const std::expected<const ShardRoute*, Reply> route = table_->Find(spec, arguments);
  if (!route) return fail(route.error());
  if (writes_ != nullptr &&
      (!writes_->HasRoomFor(BytesOf(arguments)) || writes_->group() != (*route)->id)) {
    return false;
  }
  if (writes_ == nullptr) {
    if (const auto& refusal = context_->ports.write_refusal) {
      if (const std::optional<std::string> why = refusal()) return fail(WritesRefused(*why));
    }
    auto stage = std::make_shared<WriteStage>(SetUpStage(**route));
    writes_ = stage.get();
    stage_ = std::move(stage);
  }
  writes_->Add(spec, EncodeClientCommand(arguments));
  return true;
}

const ShardRoute* ClientConnection::RouteUnlessRefused(const CommandSpec& spec,
                                                       Arguments arguments) {
  if (context_->stopping.load(std::memory_order_acquire)) {
    Answer(&spec, Unreadable("this node is stopping"));
    return nullptr;
  }
  if (std::optional<Reply> error = ValidateCommand(spec, arguments, table_->state().limits)) {
    Answer(&spec, *std::move(error));
    return nullptr;
  }
  const std::expected<const ShardRoute*, Reply> route = table_->Find(spec, arguments);
  if (route) return *route;
  Answer(&spec, route.error());
  return nullptr;
}

bool ClientConnection::TakeRead(const CommandSpec& spec, Arguments arguments) {
  if (stage_ != nullptr && reads_ == nullptr) return false;
  const ShardRoute* const route = RouteUnlessRefused(spec, arguments);
  if (route == nullptr) return true;
  if (reads_ == nullptr) return ReadOnTheSpot(spec, arguments, *route);
  if (reads_->IsFull() || reads_->group() != route->id) return false;
  reads_->Add(spec, arguments);
  return true;
}

bool ClientConnection::ReadOnTheSpot(const CommandSpec& spec, Arguments arguments,
                                     const ShardRoute& route) {
  const ShardGroup* replica = route.replica.group.get();
  ReadPermit permit;
  const bool leased = replica != nullptr && context_->options.read_mode == ReadMode::kLease &&
                      replica->TryLeaseRead(permit);
  const bool is_long = arguments.size() > kInlineReadArgumentsMax;
  if (leased && !is_long) {
    const KeyspaceReader reader(*context_->ports.store, route.id, ReadTier::kMemory);
    Result<ReadOutcome> outcome =
        ExecuteRead(spec, arguments, reader, permit.leader_time, context_->options.reply_bytes_max);
    if (!outcome) {
      context_->ports.fatal->StopNode(std::move(outcome).error().WithContext("read"));
      Answer(&spec, Unreadable("this node is stopping"));
      return true;
    }
    if (outcome->kind == ReadOutcome::Kind::kReply) {
      Answer(&spec, std::move(outcome->reply));
      return true;
    }
  }
  auto stage = std::make_shared<ReadStage>(SetUpStage(route));
  reads_ = stage.get();
  stage_ = std::move(stage);
  reads_->Add(spec, arguments);
  if (leased) reads_->UsePermit(permit, is_long);
  return true;
}

// Alone in its stage: it is about what came before, so that must have ended.
bool ClientConnection::TakeLeader(const CommandSpec& spec, Arguments arguments) {
  if (stage_ != nullptr) return false;
  const ShardRoute* const route = RouteUnlessRefused(spec, arguments);
  if (route != nullptr) {
    stage_ = std::make_shared<LeaderStage>(SetUpStage(*route), spec, arguments);
  }
  return true;
}

StageSetup ClientConnection::SetUpStage(const ShardRoute& route) {
  return {.context = context_,
          .lane = lane_,
          .table = table_,
          .route = &route,
          .owner = this,
          .version = session_.version,
          .started_at = now_};
}

void ClientConnection::Answer(const CommandSpec* spec, Reply reply) {
  if (stage_ != nullptr) {
    stage_->AddSettled(spec, std::move(reply));
  } else {
    Encode(spec, reply, now_);
  }
}

void ClientConnection::Encode(const CommandSpec* spec, const Reply& reply,
                              MonotonicTime started_at) {
  if (reply.IsError()) context_->metrics.RecordError(reply.text);
  done_.push_back({.spec = spec, .is_error = reply.IsError(), .started_at = started_at});
  EncodeReply(reply, session_.version, out_);
  SendIfLong();
}

void ClientConnection::SendIfLong() {
  if (out_.size() >= kSendBytes) sink_.Send(std::exchange(out_, {}));
}

void ClientConnection::EncodeStage(const Stage& stage) {
  for (const Stage::Answer& answer : stage.answers()) {
    if (answer.encoded.empty()) {
      Encode(answer.spec, answer.reply, stage.started_at());
      continue;
    }
    const bool is_error = answer.encoded.front() == '-';
    if (is_error) context_->metrics.RecordError(std::string_view(answer.encoded).substr(1));
    done_.push_back({.spec = answer.spec, .is_error = is_error, .started_at = stage.started_at()});
    out_ += answer.encoded;
    SendIfLong();
  }
}

void ClientConnection::OnStageDone() {
  const bool paused_before = !WantsMore();
  BeginTurn();
  const std::shared_ptr<Stage> stage = std::move(stage_);
  stage_ = nullptr;
  launched_ = false;
  EncodeStage(*stage);
  TakeBlocked();
  Flush();
  if (paused_before && !closed_ && WantsMore()) sink_.ResumeReading();
}

void ClientConnection::TakeBlocked() {
  if (blocked_.empty()) return;
  std::vector<Arguments> requests;
  requests.reserve(blocked_.size());
  for (const OwnedArguments& blocked : blocked_) requests.push_back(blocked.view());
  const std::size_t taken = TakeAll(requests);
  for (std::size_t i = 0; i < taken; ++i) {
    blocked_bytes_ -= blocked_.front().size_bytes();
    blocked_.pop_front();
  }
  if (closing_) blocked_.clear();
  session_.record->queued_bytes.store(blocked_bytes_, std::memory_order_relaxed);
}

void ClientConnection::Block(Arguments arguments) {
  const OwnedArguments& blocked = blocked_.emplace_back(arguments);
  blocked_bytes_ += blocked.size_bytes();
  session_.record->queued_bytes.store(blocked_bytes_, std::memory_order_relaxed);
}

void ClientConnection::Flush() {
  if (!done_.empty()) {
    const MonotonicTime now = context_->ports.clock->Now();
    for (const Done& done : done_) {
      context_->metrics.Record(done.spec, done.is_error, now - done.started_at);
    }
    in_flight_ -= done_.size();
    context_->metrics.RemoveInFlight(done_.size());
    done_.clear();
  }
  const bool idle = stage_ == nullptr && blocked_.empty();
  if (idle && !closing_ && !protocol_error_.empty()) {
    EncodeError(protocol_error_, out_);
    closing_ = true;
  }
  if (!out_.empty()) sink_.Send(std::exchange(out_, {}));
  if (closing_ && idle && !closed_) {
    context_->metrics.RemoveInFlight(in_flight_);
    in_flight_ = 0;
    sink_.CloseAfterFlush();
  }
}

}  // namespace seshat
