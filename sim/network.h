// SimNetwork: the wires between machines.
//
// Payloads may be lost, delayed, duplicated and reordered, and links cut in one direction or both.
// What it never does: change a payload, or deliver it to another node or from another sender.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scheduler.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/transport.h"

namespace seshat {

struct LinkQuality {
  Duration delay_low = std::chrono::microseconds(50);
  Duration delay_high = std::chrono::microseconds(500);
  std::uint64_t loss_percent = 0;
  std::uint64_t duplicate_percent = 0;
  // A payload may overtake others of its channel.
  bool reorders = false;
  // Cutting a link loses what is on its way.
  bool cut_loses_payloads = true;
  // Some take longer than all others: they arrive when the world has changed.
  std::uint64_t straggler_permille = 0;
  Duration straggler_delay_max{0};
};

// Threads: owned by the simulation's thread.
class SimNetwork {
 public:
  // Answers a call once, or is dropped: then the caller is told that there will be no answer.
  using Replier = UniqueFunction<void(std::string reply)>;
  // What a node's process takes from the wires.
  struct Receiver {
    std::function<void(NodeId from, const std::string& payload)> on_message;
    std::function<void(NodeId from, CallKind kind, std::string request, Replier reply)> on_call;
  };
  using CallDone = UniqueFunction<void(Result<std::string>)>;

  explicit SimNetwork(SimScheduler& scheduler) : scheduler_(scheduler) {}

  // What is under way to a node whose receiver is removed is lost.
  void Attach(NodeId node, Receiver receiver);
  void Detach(NodeId node);

  void Send(NodeId from, NodeId to, Channel channel, std::string payload);
  // Called for each payload that is sent, whatever becomes of it.
  void OnSend(std::function<void(NodeId from, const std::string& payload)> observer) {
    observer_ = std::move(observer);
  }

  // `done` may never be called: request and reply may be lost. Calls are neither doubled nor
  // reordered, as those of one kind travel on one connection.
  // Errors: as Transport::Call.
  void Call(NodeId from, NodeId to, CallKind kind, std::string request, CallDone done);

  // Runs `observer` once, when the next call reaches `to`.
  void OnNextCall(NodeId to, UniqueFunction<void()> observer) {
    call_observers_[to] = std::move(observer);
  }

  void SetQuality(LinkQuality quality) { quality_ = quality; }
  // Nothing from `from` reaches `to`; the other direction is another link.
  void Cut(NodeId from, NodeId to) { cuts_[{from, to}] = true; }
  void Heal();

 private:
  using Link = std::pair<NodeId, NodeId>;
  class CallInFlight;

  void Deliver(const Link& link, std::string payload, SimTime when);
  bool IsLost(const Link& link);
  SimTime NextArrival(const Link& link, CallKind kind);

  SimScheduler& scheduler_;
  LinkQuality quality_;
  std::function<void(NodeId, const std::string&)> observer_;
  std::map<NodeId, UniqueFunction<void()>> call_observers_;
  std::map<NodeId, Receiver> receivers_;
  std::map<NodeId, std::uint64_t> lives_;  // of the node's processes; odd while one is attached
  std::map<Link, bool> cuts_;
  std::map<std::pair<Link, Channel>, SimTime> last_delivery_;
  // Of requests, and of replies, to the second from the first: each kind has a connection.
  std::map<std::pair<Link, CallKind>, SimTime> last_call_;
};

// The Transport of one node's process. Calls end with it.
// Threads: owned by the simulation's thread.
class SimTransport : public Transport {
 public:
  // `executor` runs what calls have come to. Lifetime: it outlives this.
  SimTransport(SimNetwork& network, NodeId node, Executor& executor);

  void Send(NodeId to, Channel channel, std::string payload) override;
  void Call(NodeId to, CallKind kind, std::string request, MonotonicTime deadline,
            UniqueFunction<void(Result<std::string>)> done) override;

 private:
  struct Calls;
  SimNetwork& network_;
  const NodeId node_;
  Executor& executor_;
  const std::shared_ptr<Calls> calls_;  // what is under way holds it weakly
};

}  // namespace seshat
