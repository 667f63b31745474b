#include "network.h"

#include <algorithm>
#include <utility>

namespace seshat {

bool SimNetwork::IsLost(const Link& link) {
  return cuts_.contains(link) || scheduler_.random().Chance(quality_.loss_percent, 100);
}

// New connections: what is stuck in an old one still arrives, but holds nothing up.
void SimNetwork::Attach(NodeId node, Receiver receiver) {
  receivers_[node] = std::move(receiver);
  ++lives_[node];
  std::erase_if(last_delivery_, [node](const auto& last) {
    const Link& link = last.first.first;
    return link.first == node || link.second == node;
  });
}

void SimNetwork::Detach(NodeId node) {
  if (receivers_.erase(node) > 0) ++lives_[node];
}

void SimNetwork::Heal() {
  cuts_.clear();
  last_delivery_.clear();
}

void SimNetwork::Send(NodeId from, NodeId to, Channel channel, std::string payload) {
  if (observer_) observer_(from, payload);
  const Link link(from, to);
  if (IsLost(link)) {
    scheduler_.Note("drop to", from, to.value());
    return;
  }
  SimTime when = scheduler_.now() + scheduler_.Between(quality_.delay_low, quality_.delay_high);
  if (scheduler_.random().Chance(quality_.straggler_permille, 1000)) {
    when += scheduler_.Between(Duration(0), quality_.straggler_delay_max);
  }
  if (!quality_.reorders) {
    SimTime& last = last_delivery_[{link, channel}];
    when = last = std::max(when, last);
  }
  if (scheduler_.random().Chance(quality_.duplicate_percent, 100)) {
    Deliver(link, payload, when + scheduler_.Between(Duration(0), 10 * quality_.delay_high));
  }
  Deliver(link, std::move(payload), when);
}

void SimNetwork::Deliver(const Link& link, std::string payload, SimTime when) {
  scheduler_.At(when, [this, link, payload = std::move(payload)] {
    const auto receiver = receivers_.find(link.second);
    if (receiver == receivers_.end()) return;
    if (quality_.cut_loses_payloads && cuts_.contains(link)) return;
    receiver->second.on_message(link.first, payload);
  });
}

SimTime SimNetwork::NextArrival(const Link& link, CallKind kind) {
  SimTime& last = last_call_[{link, kind}];
  return last = std::max(
             last, scheduler_.now() + scheduler_.Between(quality_.delay_low, quality_.delay_high));
}

// The acceptor's end of a call: brings the answer back, or, dropped without one, that there is
// none.
class SimNetwork::CallInFlight {
 public:
  CallInFlight(SimNetwork& network, Link back, CallKind kind, CallDone done)
      : network_(network),
        back_(back),
        kind_(kind),
        life_(network.lives_[back.first]),
        done_(std::move(done)) {}
  CallInFlight(CallInFlight&& other) noexcept
      : network_(other.network_),
        back_(std::move(other.back_)),
        kind_(other.kind_),
        life_(other.life_),
        done_(std::exchange(other.done_, nullptr)) {}
  CallInFlight& operator=(CallInFlight&&) = delete;
  ~CallInFlight() {
    if (done_) Answer(MakeError(ErrorCode::kOutcomeUnknown, "the request was given up"));
  }

  void operator()(std::string reply) {
    // What a dead process says on its way out nobody hears.
    if (network_.lives_[back_.first] == life_) Answer(std::move(reply));
  }

 private:
  void Answer(Result<std::string> result) {
    CallDone done = std::exchange(done_, nullptr);
    if (!done || network_.IsLost(back_)) return;
    network_.scheduler_.At(network_.NextArrival(back_, kind_),
                           [done = std::move(done), result = std::move(result)]() mutable {
                             done(std::move(result));
                           });
  }

  SimNetwork& network_;
  Link back_;
  CallKind kind_;
  std::uint64_t life_;
  CallDone done_;
};

void SimNetwork::Call(NodeId from, NodeId to, CallKind kind, std::string request, CallDone done) {
  const Link link(from, to);
  const Link back(to, from);
  // Often a broken connection is known to be broken before anything is sent on it.
  if ((cuts_.contains(link) || cuts_.contains(back) || !receivers_.contains(to)) &&
      scheduler_.random().Chance(1, 2)) {
    return done(MakeError(ErrorCode::kUnavailable, "not connected"));
  }
  if (IsLost(link)) return scheduler_.Note("drop call to", from, to.value());
  scheduler_.At(NextArrival(link, kind), [this, link, back, kind, request = std::move(request),
                                          done = std::move(done)]() mutable {
    const auto receiver = receivers_.find(link.second);
    if (cuts_.contains(link)) return;
    if (receiver == receivers_.end()) {
      return done(MakeError(ErrorCode::kOutcomeUnknown, "the connection broke"));
    }
    if (auto observer = call_observers_.extract(link.second)) observer.mapped()();
    receiver->second.on_call(link.first, kind, std::move(request),
                             CallInFlight(*this, back, kind, std::move(done)));
  });
}

struct SimTransport::Calls {
  void Finish(std::uint64_t call, Result<std::string> result) {
    const auto place = pending.find(call);
    if (place == pending.end()) return;
    SimNetwork::CallDone done = std::move(place->second);
    pending.erase(place);
    done(std::move(result));
  }

  std::map<std::uint64_t, SimNetwork::CallDone> pending;
  std::uint64_t last_call = 0;
};

SimTransport::SimTransport(SimNetwork& network, NodeId node, Executor& executor)
    : network_(network), node_(node), executor_(executor), calls_(std::make_shared<Calls>()) {}

void SimTransport::Send(NodeId to, Channel channel, std::string payload) {
  network_.Send(node_, to, channel, std::move(payload));
}

void SimTransport::Call(NodeId to, CallKind kind, std::string request, MonotonicTime deadline,
                        UniqueFunction<void(Result<std::string>)> done) {
  const std::uint64_t call = ++calls_->last_call;
  calls_->pending.emplace(call, std::move(done));
  const auto finish = [this, weak = std::weak_ptr(calls_), call](Result<std::string> result) {
    if (weak.expired()) return;  // the process is gone, and its executor
    executor_.Post([weak, call, result = std::move(result)]() mutable {
      if (const auto calls = weak.lock()) calls->Finish(call, std::move(result));
    });
  };
  executor_.PostAt(deadline, [finish] {
    finish(MakeError(ErrorCode::kOutcomeUnknown, "the deadline passed without an answer"));
  });
  network_.Call(node_, to, kind, std::move(request), finish);
}

}  // namespace seshat
