#include "clients.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace seshat {

// One operation under way.
struct SimClients::Ticket {
  SimClients* clients = nullptr;
  std::size_t client = 0;
  std::uint64_t key = 0;
  Operation operation;
  bool is_answered = false;  // by the node
  bool is_over = false;      // for the client, which may have lost patience
};

// Hears the outcome of a write, exactly once; hearing nothing before it is destroyed means that the
// process died: the connection breaks.
class SimClients::Waiter : public RegisterWaiter {
 public:
  explicit Waiter(TicketRef ticket) : ticket_(std::move(ticket)) {}
  ~Waiter() override {
    if (!ticket_->is_answered) ticket_->clients->FinishUnknown(*ticket_);
  }

  void OnResult(RegisterResult result) override {
    Answer();
    ticket_->clients->FinishKnown(*ticket_, result.before);
  }
  void OnNotApplied(Error, NodeId leader) override {
    Answer();
    ticket_->clients->FinishNotApplied(*ticket_, leader);
  }
  void OnOutcomeUnknown(Error) override {
    Answer();
    ticket_->clients->FinishUnknown(*ticket_);
  }

 private:
  void Answer() {
    if (ticket_->is_answered) ticket_->clients->fail_("a proposal was answered twice");
    ticket_->is_answered = true;
  }

  const TicketRef ticket_;
};

SimClients::SimClients(SimScheduler& scheduler, std::vector<SimNode*> nodes,
                       SimClientOptions options, std::function<void(std::string)> fail)
    : scheduler_(scheduler),
      nodes_(std::move(nodes)),
      options_(options),
      fail_(std::move(fail)),
      preferred_node_(options.clients, 0) {}

SimClients::~SimClients() = default;

void SimClients::Start() {
  for (std::size_t client = 0; client < options_.clients; ++client) Next(client);
}

void SimClients::Next(std::size_t client) {
  scheduler_.After(scheduler_.Between(Duration(0), options_.pause_max), [this, client] {
    if (!is_stopped_) BeginOperation(client);
  });
}

void SimClients::BeginOperation(std::size_t client) {
  Random& random = scheduler_.random();
  auto ticket = std::make_shared<Ticket>();
  ticket->clients = this;
  ticket->client = client;
  ticket->key = random.Below(options_.keys);
  Operation& operation = ticket->operation;
  operation.called = scheduler_.now();

  // Mostly a node that answered before, sometimes any.
  std::size_t& preferred = preferred_node_[client];
  if (random.Chance(1, 5)) preferred = random.Below(nodes_.size());
  const bool is_read = random.Chance(1, 2);
  const std::size_t at = is_read ? random.Below(nodes_.size()) : preferred;
  SimNode& node = *nodes_[at];
  operation.where = fmt::format("node {}", node.id().value());
  if (!node.is_running()) {
    preferred = random.Below(nodes_.size());
    return Next(client);
  }

  scheduler_.After(options_.patience, [this, ticket] { FinishUnknown(*ticket); });
  if (is_read) {
    node.PostToProcess([this, &node, ticket] { BeginRead(node, ticket); });
    return;
  }
  operation.written = ++last_value_;
  std::vector<std::uint64_t>& recent = recent_[ticket->key];
  if (!recent.empty() && random.Chance(1, 3)) {
    operation.kind = Operation::Kind::kCompareAndSet;
    operation.expected = recent[random.Below(recent.size())];
  } else {
    operation.kind = Operation::Kind::kWrite;
  }
  recent.push_back(operation.written);
  if (recent.size() > 3) recent.erase(recent.begin());
  BeginWrite(node, ticket);
}

void SimClients::BeginWrite(SimNode& node, const TicketRef& ticket) {
  RegisterCommand command;
  command.key = ticket->key;
  command.value = ticket->operation.written;
  command.is_conditional = ticket->operation.kind == Operation::Kind::kCompareAndSet;
  command.expected = ticket->operation.expected;
  Proposal proposal{EncodeCommand(command), std::make_unique<Waiter>(ticket)};
  node.PostToProcess([&node, proposal = std::move(proposal)]() mutable {
    std::vector<Proposal> proposals;
    proposals.push_back(std::move(proposal));
    node.driver().Propose(std::move(proposals));
  });
}

void SimClients::BeginRead(SimNode& node, const TicketRef& ticket) {
  ReadPermit permit;
  if (scheduler_.random().Chance(2, 3) && node.driver().TryLeaseRead(permit)) {
    ++lease_reads_;
    ticket->operation.where += " by lease";
    return FinishRead(node, ticket);
  }
  ticket->operation.where += " by read index";
  node.driver().RequestRead([this, &node, ticket](Result<ReadPermit> result) {
    if (ticket->is_answered) fail_("a read was answered twice");
    if (!result) {
      ticket->is_answered = true;
      return FinishNotApplied(*ticket, kNoNode);
    }
    FinishRead(node, ticket);
  });
}

void SimClients::FinishRead(SimNode& node, const TicketRef& ticket) {
  ticket->is_answered = true;
  FinishKnown(*ticket, ReadRegister(node.disk(), kSimGroup, ticket->key));
}

void SimClients::FinishKnown(Ticket& ticket, std::uint64_t seen) {
  if (ticket.is_over) return;
  ticket.is_over = true;
  Operation& operation = ticket.operation;
  operation.returned = scheduler_.now();
  operation.seen = seen;
  if (operation.kind == Operation::Kind::kRead) {
    ++reads_answered_;
  } else {
    ++writes_acknowledged_;
  }
  scheduler_.Note("answered", NodeId(ticket.client), operation.written, seen);
  histories_[ticket.key].push_back(operation);
  Next(ticket.client);
}

void SimClients::UseOnly(const std::vector<SimNode*>& nodes) {
  nodes_ = nodes;
  for (std::size_t& preferred : preferred_node_) preferred = 0;
}

void SimClients::PreferLeader(std::size_t client, NodeId leader) {
  std::size_t& preferred = preferred_node_[client];
  preferred = scheduler_.random().Below(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i]->id() == leader) preferred = i;
  }
}

void SimClients::FinishNotApplied(Ticket& ticket, NodeId leader) {
  if (ticket.is_over) return;
  ticket.is_over = true;
  scheduler_.Note("not applied", NodeId(ticket.client), ticket.operation.written);
  PreferLeader(ticket.client, leader);
  Next(ticket.client);
}

void SimClients::FinishUnknown(Ticket& ticket) {
  if (ticket.is_over) return;
  ticket.is_over = true;
  ++outcomes_unknown_;
  PreferLeader(ticket.client, kNoNode);
  scheduler_.Note("outcome unknown", NodeId(ticket.client), ticket.operation.written);
  histories_[ticket.key].push_back(ticket.operation);
  Next(ticket.client);
}

std::optional<std::string> SimClients::FindHistoryAnomaly() const {
  for (const auto& [key, history] : histories_) {
    if (auto anomaly = FindAnomaly(history)) {
      return fmt::format("register {} is not linearizable: {}", key, *anomaly);
    }
  }
  return std::nullopt;
}

}  // namespace seshat
