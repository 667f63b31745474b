// SimClients: clients of Redis that send commands to any node and keep the history of what they
// saw.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expiry_probe.h"
#include "linearizability.h"
#include "node.h"
#include "workload.h"

namespace seshat {

struct SimClientOptions {
  std::size_t clients = 8;
  std::uint64_t writes_permille = 1000;                // of the writes that the workload draws
  bool lulls = false;                                  // now and then nobody writes for a while
  Duration pause_max = std::chrono::milliseconds(20);  // between pipelines of a client
  Duration patience = std::chrono::seconds(1);         // then it hangs up
};

// Each client has one connection and one pipeline of a few commands under way at a time. When its
// patience ends or the connection breaks, what was not answered has an unknown outcome, and it goes
// on with another connection.
// Threads: owned by the simulation's thread. Lifetime: processes on the nodes must be down before
// it.
class SimClients {
 public:
  SimClients(SimScheduler& scheduler, std::vector<SimNode*> nodes, SimClientOptions options,
             std::function<void(std::string)> fail);

  // Called for each command that is sent, before it is.
  void OnSend(std::function<void(const CommandText&)> observer) { on_send_ = std::move(observer); }
  void Start();
  // From now on only these nodes are asked, and by as many writes as usual.
  void UseOnly(const std::vector<SimNode*>& nodes);
  // Commands under way go on; no new ones begin.
  void Stop() { is_stopped_ = true; }

  // Whether an order of events explains what clients saw.
  LinearizabilityReport CheckHistory() const;
  std::uint64_t writes_acknowledged() const { return writes_acknowledged_; }
  std::uint64_t reads_answered() const { return reads_answered_; }
  std::uint64_t outcomes_unknown() const { return outcomes_unknown_; }
  std::uint64_t not_applied() const { return not_applied_; }

 private:
  struct Client {
    std::size_t number = 0;
    SimNode* node = nullptr;  // that it is connected to, or will be
    std::shared_ptr<SimConnection> connection;
    std::deque<ClientOperation> under_way;  // in the order of their replies
    std::uint64_t pipeline = 0;             // counts them
    ExpiryProbe probe;
  };

  void EndOrBeginLull();
  void Next(Client& client);
  void BeginPipeline(Client& client);
  bool Connect(Client& client);
  std::vector<CommandText> ChooseCommands(Client& client);
  KeyCommand ChooseCommand(const Client& client);
  void OnReply(Client& client, Reply reply);
  void Finish(ClientOperation operation, Reply reply);
  void OnBroken(Client& client);
  void GiveUp(Client& client);
  void CountUnknown(ClientOperation operation);

  SimScheduler& scheduler_;
  std::vector<SimNode*> nodes_;
  SimClientOptions options_;
  const std::function<void(std::string)> fail_;
  std::function<void(const CommandText&)> on_send_;
  bool is_stopped_ = false;
  bool is_lull_ = false;
  Workload workload_;
  std::vector<Client> clients_;
  std::vector<ClientOperation> history_;
  std::uint64_t writes_acknowledged_ = 0;
  std::uint64_t reads_answered_ = 0;
  std::uint64_t outcomes_unknown_ = 0;
  std::uint64_t not_applied_ = 0;
};

}  // namespace seshat
