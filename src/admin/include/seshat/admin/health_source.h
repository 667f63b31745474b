// Where the admin endpoint learns how the node is doing. The node implements it.
#pragma once

#include <string>
#include <vector>

#include "seshat/admin/status_report.h"

namespace seshat {

// The answer to one health question: good exactly when there is no reason why not.
struct HealthAnswer {
  std::vector<std::string> reasons;

  bool IsGood() const { return reasons.empty(); }
};

// Threads: thread-safe; called on admin threads. Must answer from memory, without waiting for a
// disk or a peer.
class HealthSource {
 public:
  virtual ~HealthSource() = default;

  // The process makes progress: worth keeping. A bad answer asks the supervisor to restart it.
  virtual HealthAnswer GetLiveness() const = 0;
  // Clients may be sent here: it serves and is fewer than 100 entries behind.
  virtual HealthAnswer GetReadiness() const = 0;
  // Every group has a quorum that this node can reach.
  virtual HealthAnswer GetHealth() const = 0;
  virtual StatusReport GetStatus() const = 0;
};

}  // namespace seshat
