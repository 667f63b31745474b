// SimNetwork: the wires between machines.
//
// Payloads may be lost, delayed, duplicated and reordered, and links cut in one direction or both.
// What it never does: change a payload, or deliver it to another node or from another sender.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scheduler.h"
#include "seshat/ports/transport.h"

namespace seshat {

struct LinkQuality {
  Duration delay_low = std::chrono::microseconds(50);
  Duration delay_high = std::chrono::microseconds(500);
  std::uint64_t loss_percent = 0;
  std::uint64_t duplicate_percent = 0;
  // A payload may overtake others of its channel.
  bool reorders = false;
};

// Threads: owned by the simulation's thread.
class SimNetwork {
 public:
  using Receiver = std::function<void(NodeId from, const std::string& payload)>;

  explicit SimNetwork(SimScheduler& scheduler) : scheduler_(scheduler) {}

  // What is under way to a node whose receiver is removed is lost.
  void Attach(NodeId node, Receiver receiver) { receivers_[node] = std::move(receiver); }
  void Detach(NodeId node) { receivers_.erase(node); }

  void Send(NodeId from, NodeId to, Channel channel, std::string payload);

  void SetQuality(LinkQuality quality) { quality_ = quality; }
  // Nothing from `from` reaches `to`; the other direction is another link.
  void Cut(NodeId from, NodeId to) { cuts_[{from, to}] = true; }
  void Heal() { cuts_.clear(); }

 private:
  using Link = std::pair<NodeId, NodeId>;
  void Deliver(const Link& link, std::string payload, SimTime when);

  SimScheduler& scheduler_;
  LinkQuality quality_;
  std::map<NodeId, Receiver> receivers_;
  std::map<Link, bool> cuts_;
  std::map<std::pair<Link, Channel>, SimTime> last_delivery_;
};

// One node's Transport on the network. Calls are refused: clients of a simulation talk to nodes
// directly, without a node in between.
// Threads: owned by the simulation's thread.
class SimTransport : public Transport {
 public:
  SimTransport(SimNetwork& network, NodeId node) : network_(network), node_(node) {}

  void Send(NodeId to, Channel channel, std::string payload) override;
  void Call(NodeId to, std::string request, MonotonicTime deadline,
            UniqueFunction<void(Result<std::string>)> done) override;

 private:
  SimNetwork& network_;
  const NodeId node_;
};

}  // namespace seshat
