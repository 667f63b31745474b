#include "clients.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace seshat {
namespace {

// A few seconds' work. Few histories need more, and say so: many unknown writes that fit one reply.
constexpr std::size_t kPossibilitiesMax = 10'000;

bool IsUnknown(const Reply& reply) {
  return reply.IsError() && reply.text.starts_with("UNKNOWN outcome");
}

// Replies of the cluster, not of the command: nothing was executed.
bool IsNotApplied(const Reply& reply) {
  return reply.IsError() &&
         (reply.text.starts_with("CLUSTERDOWN ") || reply.text.starts_with("TRYAGAIN "));
}

}  // namespace

SimClients::SimClients(SimScheduler& scheduler, std::vector<SimNode*> nodes,
                       SimClientOptions options, std::function<void(std::string)> fail)
    : scheduler_(scheduler),
      nodes_(std::move(nodes)),
      options_(options),
      fail_(std::move(fail)),
      clients_(options.clients) {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].number = i + 1;
    clients_[i].node = nodes_[i % nodes_.size()];
  }
}

void SimClients::Start() {
  for (Client& client : clients_) Next(client);
  EndOrBeginLull();
}

// In a lull, who has long been cut off has everything that there is, and may still be elected.
void SimClients::EndOrBeginLull() {
  if (!options_.lulls) return;
  is_lull_ = !is_lull_;
  scheduler_.After(scheduler_.Between(std::chrono::seconds(1), std::chrono::seconds(4)),
                   [this] { EndOrBeginLull(); });
}

void SimClients::UseOnly(const std::vector<SimNode*>& nodes) {
  nodes_ = nodes;
  options_.writes_permille = SimClientOptions().writes_permille;  // it is they that show progress
  options_.lulls = false;
  is_lull_ = false;
  for (Client& client : clients_) GiveUp(client);
}

void SimClients::Next(Client& client) {
  const std::uint64_t pipeline = ++client.pipeline;
  scheduler_.After(scheduler_.Between(Duration(0), options_.pause_max), [this, &client, pipeline] {
    if (!is_stopped_ && client.pipeline == pipeline) BeginPipeline(client);
  });
}

bool SimClients::Connect(Client& client) {
  Random& random = scheduler_.random();
  if (client.connection && !random.Chance(1, 10)) return true;
  if (client.connection) std::exchange(client.connection, nullptr)->HangUp();
  client.node = nodes_[random.Below(nodes_.size())];
  client.connection = client.node->Connect(
      {.on_reply = [this, &client](Reply reply) { OnReply(client, std::move(reply)); },
       .on_broken = [this, &client] { OnBroken(client); }});
  return client.connection != nullptr;
}

// Two clients only read: where all write, they all soon wait for a leader that is cut off, and
// nobody sees what others do.
KeyCommand SimClients::ChooseCommand(const Client& client) {
  constexpr std::size_t kReaders = 2;
  Random& random = scheduler_.random();
  KeyCommand command = workload_.Next(random);
  if (command.IsRead()) return command;
  if (client.number > kReaders && !is_lull_ && random.Chance(options_.writes_permille, 1000))
    return command;
  return {.kind = command.keys.size() > 1 ? KeyCommand::Kind::kMGet : KeyCommand::Kind::kGet,
          .keys = std::move(command.keys)};
}

std::vector<CommandText> SimClients::ChooseCommands(Client& client) {
  Random& random = scheduler_.random();
  if (client.probe.IsUnderWay() || (!is_lull_ && random.Chance(1, 25))) {
    return {client.probe.NextCommand(random, client.number)};
  }
  std::vector<CommandText> commands;
  const std::size_t count = random.Chance(1, 4) ? 2 + random.Below(3) : 1;
  for (std::size_t i = 0; i < count; ++i) {
    ClientOperation operation;
    operation.command = ChooseCommand(client);
    operation.called = scheduler_.now();
    operation.where = fmt::format("client {}, node {}", client.number, client.node->id().value());
    commands.push_back(TextOf(operation.command));
    client.under_way.push_back(std::move(operation));
  }
  return commands;
}

void SimClients::BeginPipeline(Client& client) {
  if (!Connect(client)) return Next(client);
  scheduler_.After(options_.patience, [this, &client, pipeline = client.pipeline] {
    if (client.pipeline == pipeline) GiveUp(client);
  });
  std::vector<CommandText> commands = ChooseCommands(client);
  if (on_send_) std::ranges::for_each(commands, on_send_);
  client.connection->Send(std::move(commands));
}

void SimClients::OnReply(Client& client, Reply reply) {
  if (client.probe.IsAwaitingReply()) {
    if (const auto wrong = client.probe.OnReply(reply)) fail_(*wrong);
    return Next(client);
  }
  if (client.under_way.empty()) return fail_("a command was answered twice");
  ClientOperation operation = std::move(client.under_way.front());
  client.under_way.pop_front();
  Finish(std::move(operation), std::move(reply));
  if (client.under_way.empty()) Next(client);
}

void SimClients::Finish(ClientOperation operation, Reply reply) {
  if (IsUnknown(reply)) return CountUnknown(std::move(operation));
  if (IsNotApplied(reply)) {
    ++not_applied_;
    return;
  }
  ++(operation.command.IsRead() ? reads_answered_ : writes_acknowledged_);
  scheduler_.Note("answered", kNoNode, history_.size(),
                  static_cast<std::uint64_t>(reply.integer) + reply.text.size());
  operation.returned = scheduler_.now();
  operation.reply = std::move(reply);
  history_.push_back(std::move(operation));
}

void SimClients::CountUnknown(ClientOperation operation) {
  if (operation.command.IsRead()) return;
  ++outcomes_unknown_;
  scheduler_.Note("outcome unknown", kNoNode, history_.size());
  history_.push_back(std::move(operation));
}

void SimClients::OnBroken(Client& client) {
  client.connection = nullptr;
  GiveUp(client);
}

void SimClients::GiveUp(Client& client) {
  if (client.connection) std::exchange(client.connection, nullptr)->HangUp();
  if (client.probe.IsAwaitingReply()) client.probe.GiveUp();
  for (ClientOperation& operation : std::exchange(client.under_way, {})) {
    CountUnknown(std::move(operation));
  }
  Next(client);
}

LinearizabilityReport SimClients::CheckHistory() const {
  return CheckLinearizability(history_, {.possibilities_max = kPossibilitiesMax});
}

}  // namespace seshat
