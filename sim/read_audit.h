// ReadAudit: asks the nodes' drivers for permits to read, and holds them against what has really
// been committed.
//
// Clients see a stale read only when it matters to the keys they read. Here each permit is compared
// with everything that any node had applied before it was asked for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node.h"
#include "scheduler.h"

namespace seshat {

// Threads: owned by the simulation's thread. Lifetime: processes on the nodes must be down before
// it.
class ReadAudit {
 public:
  // `highest_committed`: what is known to be; `fail` is told of each violation.
  ReadAudit(SimScheduler& scheduler, std::vector<SimNode*> nodes,
            std::function<LogIndex()> highest_committed, std::function<void(std::string)> fail);

  // From now on every node is asked every now and then.
  void Start();
  void OnLeader(Term term);
  // To be called whenever something became committed or a node goes on: no lease may hide it.
  void CheckLeases();

 private:
  void AskAll();
  void Ask(SimNode& node);

  SimScheduler& scheduler_;
  const std::vector<SimNode*> nodes_;
  const std::function<LogIndex()> highest_committed_;
  const std::function<void(std::string)> fail_;
  Term newest_term_;  // of those that had a leader
};

}  // namespace seshat
