#include "seshat/service/system_state_machine.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cluster_records.h"
#include "entry_checks.h"
#include "member_changes.h"
#include "seshat/commands/key_layout.h"
#include "seshat/service/cluster_rows.h"
#include "seshat/service/command_waiter.h"
#include "seshat/service/state_audit.h"

namespace seshat {
namespace {

Reply Bootstrap(const BootstrapClusterCommand& command, ClusterState& state) {
  if (state.IsBootstrapped()) return Reply::Error("ERR the cluster exists already");
  state = command.initial;
  std::ranges::sort(state.members, {}, &ClusterMember::id);
  return Reply::Ok();
}

}  // namespace

std::string RefusalText(const Reply& reply) {
  for (const std::string_view prefix : {kTryAgain, std::string_view("ERR ")}) {
    if (reply.text.starts_with(prefix)) return reply.text.substr(prefix.size());
  }
  return reply.text;
}

SystemStateMachine::SystemStateMachine(StateStore& store, ClusterStateSource& source,
                                       StateReports::Listener on_odd)
    : store_(store), source_(source), reports_(std::move(on_odd)) {}

Result<std::unique_ptr<SystemStateMachine>> SystemStateMachine::Open(
    StateStore& store, ClusterStateSource& source, StateReports::Listener on_odd) {
  std::unique_ptr<SystemStateMachine> machine(
      new SystemStateMachine(store, source, std::move(on_odd)));
  if (Status status = machine->Reopen(); !status) return std::unexpected(std::move(status).error());
  return machine;
}

Result<StateFacts> SystemStateMachine::Describe(const StateView& view) const {
  return AuditView(AuditedRows::kSystem, view);
}

std::unique_ptr<StateAudit> SystemStateMachine::NewAudit() const {
  return MakeStateAudit(AuditedRows::kSystem);
}

Status SystemStateMachine::Reopen() {
  state_ = ClusterState{};
  Result<AppliedState> applied = ReadAppliedState(store_, kSystemGroup);
  if (!applied) return std::unexpected(std::move(applied).error());
  applied_ = *applied;
  const Result<std::unique_ptr<StateView>> view = store_.View(kSystemGroup);
  if (!view) return std::unexpected(view.error());
  Result<ClusterState> state = ReadClusterState(**view);
  if (!state) return std::unexpected(std::move(state).error());
  state_ = *std::move(state);
  if (state_.IsBootstrapped()) source_.Publish(state_);
  return {};
}

Status SystemStateMachine::Apply(std::vector<CommittedEntry> entries) {
  if (entries.empty()) return {};
  const ClusterState before = state_;
  std::vector<std::pair<std::unique_ptr<ProposalWaiter>, Reply>> answers;
  for (CommittedEntry& entry : entries) {
    if (Status status = CheckEntry(kSystemGroup, entry); !status) return status;
    if (entry.type == EntryType::kNormal) applied_.clock = std::max(applied_.clock, entry.stamp);
    for (std::size_t i = 0; i < entry.commands.size(); ++i) {
      Result<Reply> reply = ApplyCommand(entry.commands[i]);
      if (!reply) {
        return std::unexpected(
            std::move(reply).error().WithContext(EntryName(kSystemGroup, entry.index)));
      }
      applied_.revision = applied_.revision.Next();
      if (!entry.waiters.empty()) answers.emplace_back(std::move(entry.waiters[i]), *reply);
    }
  }
  applied_.index = entries.back().index;
  applied_.term = entries.back().term;

  StateBatch batch;
  AppendChangedRows(before, batch);
  batch.ops.push_back({std::string(kAppliedRowKey), EncodeAppliedState(applied_)});
  store_.Write(kSystemGroup, std::move(batch));
  if (state_ != before) source_.Publish(state_);
  for (auto& [waiter, reply] : answers) AnswerWaiter(*waiter, std::move(reply));
  return {};
}

Result<Reply> SystemStateMachine::ApplyCommand(std::string_view bytes) {
  Result<SystemCommand> command = DecodeSystemCommand(bytes);
  if (!command) return std::unexpected(std::move(command).error());
  if (const auto* bootstrap = std::get_if<BootstrapClusterCommand>(&*command)) {
    return Bootstrap(*bootstrap, state_);
  }
  if (const auto* report = std::get_if<StateReport>(&*command)) return TakeReport(*report);
  if (const auto* add = std::get_if<AddNodeCommand>(&*command)) {
    return AddMember(add->member, state_);
  }
  if (const auto* remove = std::get_if<RemoveNodeCommand>(&*command)) {
    return RemoveMember(remove->node, state_);
  }
  if (const auto* placement = std::get_if<ReplicaPlacement>(&*command)) {
    return PlaceReplicas(*placement, state_);
  }
  if (const auto* forget = std::get_if<ForgetNodeCommand>(&*command)) {
    return ForgetMember(forget->node, state_);
  }
  return RegisterMember(std::get<RegisterNodeCommand>(*command).member, state_);
}

Reply SystemStateMachine::TakeReport(const StateReport& report) {
  const auto shard = std::ranges::find(state_.shards, report.group, &ShardPlacement::group);
  if (shard == state_.shards.end()) {
    return Reply::Error("ERR no shard " + std::to_string(report.group.value()));
  }
  reports_.Add(report, shard->replicas);
  return Reply::Ok();
}

void SystemStateMachine::AppendChangedRows(const ClusterState& before, StateBatch& batch) const {
  if (state_ == before) return;
  std::vector<StateOp> rows = ClusterRows(state_);
  const std::vector<StateOp> known = ClusterRows(before);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool is_news = !before.IsBootstrapped() || rows[i].value != known[i].value;
    if (is_news) batch.ops.push_back(std::move(rows[i]));
  }
}

}  // namespace seshat
