#include "stage.h"

#include <algorithm>
#include <utility>

#include "seshat/base/check.h"

namespace seshat {

Stage::Stage(StageSetup setup) : setup_(std::move(setup)) {}

MonotonicTime Stage::deadline() const {
  return setup_.started_at + setup_.context->options.request_timeout;
}

void Stage::AddSettled(const CommandSpec* spec, Reply reply) {
  answers_.push_back({.spec = spec, .settled = true, .reply = std::move(reply), .encoded = {}});
}

std::size_t Stage::AddOpen(const CommandSpec& spec) {
  answers_.push_back({.spec = &spec, .settled = false, .reply = {}, .encoded = {}});
  return answers_.size() - 1;
}

void Stage::Launch() {
  launching_ = true;
  watched_ = true;
  lane().Watch(shared_from_this());
  Start();
  launching_ = false;
}

void Stage::Abandon() {
  setup_.owner = nullptr;
}

void Stage::Settle(std::size_t index, Reply reply) {
  SESHAT_CHECK(!answers_[index].settled);
  answers_[index].settled = true;
  answers_[index].reply = std::move(reply);
}

void Stage::SettleEncoded(std::size_t index, std::string encoded) {
  SESHAT_CHECK(!answers_[index].settled);
  answers_[index].settled = true;
  answers_[index].encoded = std::move(encoded);
}

void Stage::SettleAll(const Reply& reply) {
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (!answers_[i].settled) Settle(i, reply);
  }
  Finish();
}

void Stage::Finish() {
  SESHAT_CHECK(!finished_);
  finished_ = true;
  if (watched_) lane().Unwatch(*this);
  watched_ = false;
  if (launching_) {
    // The owner is still in the middle of launching: it is told on the next turn.
    lane().Push([self = shared_from_this()] {
      if (self->setup_.owner != nullptr) self->setup_.owner->OnStageDone();
    });
    return;
  }
  const std::shared_ptr<Stage> self = shared_from_this();
  if (setup_.owner != nullptr) setup_.owner->OnStageDone();
}

Stage::Parking Stage::Park(std::size_t open_commands) {
  const MonotonicTime now = context().ports.clock->Now();
  if (leaderless_since_ == kNever) leaderless_since_ = now;
  if (now - leaderless_since_ >= context().options.leaderless_wait) return Parking::kTooLong;
  const std::size_t before = context().parked_commands.fetch_add(open_commands);
  if (before + open_commands > context().options.parked_commands_max) {
    context().parked_commands.fetch_sub(open_commands);
    return Parking::kTooMany;
  }
  parked_commands_ = open_commands;
  lane().Park(shared_from_this());
  return Parking::kParked;
}

NodeId Stage::LeaderToAsk(NodeId hint) const {
  NodeId leader = hint;
  if (leader == kNoNode && replica() != nullptr) leader = replica()->Leader();
  if (leader == kNoNode && replica() == nullptr) {
    const auto other = std::ranges::find_if(
        route().replicas, [&](NodeId node) { return node != context().options.node; });
    if (other != route().replicas.end()) leader = *other;
  }
  return leader == context().options.node ? kNoNode : leader;
}

void Stage::Unpark() {
  context().parked_commands.fetch_sub(parked_commands_);
  parked_commands_ = 0;
  const std::shared_ptr<const RoutingTable>& newest = lane().Table(context().router);
  if (newest == setup_.table) return;
  const ShardRoute* const route = newest->FindGroup(group());
  if (route == nullptr) return;
  setup_.table = newest;
  setup_.route = route;
}

}  // namespace seshat
