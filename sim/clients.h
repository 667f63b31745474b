// SimClients: clients that write, compare-and-set and read registers through any node, and keep the
// history of what they saw.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "history.h"
#include "node.h"

namespace seshat {

struct SimClientOptions {
  std::size_t clients = 8;
  std::uint64_t keys = 2;
  Duration pause_max = std::chrono::milliseconds(20);  // between operations of a client
  Duration patience = std::chrono::seconds(1);         // then the outcome counts as unknown
};

// Each client has one operation under way at a time. After one whose outcome it does not know it
// goes on, as a client with a new connection does.
// Threads: owned by the simulation's thread. Lifetime: processes on the nodes must be down before
// it.
class SimClients {
 public:
  SimClients(SimScheduler& scheduler, std::vector<SimNode*> nodes, SimClientOptions options,
             std::function<void(std::string)> fail);
  ~SimClients();

  void Start();
  // From now on only these nodes are asked.
  void UseOnly(const std::vector<SimNode*>& nodes);
  // Operations under way go on; no new ones begin.
  void Stop() { is_stopped_ = true; }

  // The first register whose history no order of events explains.
  std::optional<std::string> FindHistoryAnomaly() const;
  std::uint64_t writes_acknowledged() const { return writes_acknowledged_; }
  std::uint64_t reads_answered() const { return reads_answered_; }
  std::uint64_t lease_reads() const { return lease_reads_; }
  std::uint64_t outcomes_unknown() const { return outcomes_unknown_; }

 private:
  class Waiter;
  struct Ticket;
  using TicketRef = std::shared_ptr<Ticket>;

  void BeginOperation(std::size_t client);
  void BeginRead(SimNode& node, const TicketRef& ticket);
  void BeginWrite(SimNode& node, const TicketRef& ticket);
  void FinishRead(SimNode& node, const TicketRef& ticket);
  void FinishKnown(Ticket& ticket, std::uint64_t seen);
  // `leader`: whom the node takes for the leader, or kNoNode.
  void FinishNotApplied(Ticket& ticket, NodeId leader);
  void PreferLeader(std::size_t client, NodeId leader);
  void FinishUnknown(Ticket& ticket);
  void Next(std::size_t client);

  SimScheduler& scheduler_;
  std::vector<SimNode*> nodes_;
  const SimClientOptions options_;
  const std::function<void(std::string)> fail_;
  bool is_stopped_ = false;
  std::uint64_t last_value_ = 0;
  std::vector<std::size_t> preferred_node_;                     // by client
  std::map<std::uint64_t, std::vector<std::uint64_t>> recent_;  // by key: values to expect
  std::map<std::uint64_t, std::vector<Operation>> histories_;   // by key
  std::uint64_t writes_acknowledged_ = 0;
  std::uint64_t reads_answered_ = 0;
  std::uint64_t lease_reads_ = 0;
  std::uint64_t outcomes_unknown_ = 0;
};

}  // namespace seshat
