#include "state_comparer.h"

#include <utility>
#include <vector>

#include "seshat/commands/data_command.h"
#include "seshat/service/command_waiter.h"

namespace seshat {

StateComparer::StateComparer(NodeId self, GroupId id, std::shared_ptr<ShardGroup> group,
                             std::shared_ptr<DataGroupInfo> info, Duration interval,
                             StateComparerPorts ports)
    : self_(self),
      id_(id),
      group_(std::move(group)),
      info_(std::move(info)),
      interval_(interval),
      ports_(std::move(ports)) {}

void StateComparer::Start() {
  info_->marks.Subscribe([weak = weak_from_this()](const StateMark& mark) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->ports_.background->Post([self, mark] { self->Report(mark); });
  });
  Arm();
}

void StateComparer::Arm() {
  ports_.background->PostAt(ports_.clock->Now() + interval_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Wake();
  });
}

void StateComparer::Wake() {
  if (stopped_.load(std::memory_order_acquire)) return;
  Mark();
  Arm();
}

void StateComparer::Mark() {
  const std::uint64_t commands = info_->commands_applied.load(std::memory_order_relaxed);
  if (!group_->IsLeader() || commands == commands_at_mark_) return;
  commands_at_mark_ = commands;
  std::vector<Proposal> proposals;
  proposals.push_back(
      {.command = EncodeMarkState(), .waiter = MakeCommandWaiter([](const CommandOutcome&) {})});
  group_->Propose(std::move(proposals));
}

void StateComparer::Report(const StateMark& mark) {
  if (stopped_.load(std::memory_order_acquire)) return;
  ports_.report({.group = id_, .index = mark.index, .node = self_, .digest = mark.digest});
}

}  // namespace seshat
