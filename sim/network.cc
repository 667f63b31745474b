#include "network.h"

#include <algorithm>

namespace seshat {

void SimNetwork::Send(NodeId from, NodeId to, Channel channel, std::string payload) {
  const Link link(from, to);
  Random& random = scheduler_.random();
  if (cuts_.contains(link) || random.Chance(quality_.loss_percent, 100)) {
    scheduler_.Note("drop to", from, to.value());
    return;
  }
  SimTime when = scheduler_.now() + scheduler_.Between(quality_.delay_low, quality_.delay_high);
  if (!quality_.reorders) {
    SimTime& last = last_delivery_[{link, channel}];
    when = last = std::max(when, last);
  }
  if (random.Chance(quality_.duplicate_percent, 100)) {
    Deliver(link, payload, when + scheduler_.Between(Duration(0), 10 * quality_.delay_high));
  }
  Deliver(link, std::move(payload), when);
}

void SimNetwork::Deliver(const Link& link, std::string payload, SimTime when) {
  scheduler_.At(when, [this, link, payload = std::move(payload)] {
    const auto receiver = receivers_.find(link.second);
    // A link cut meanwhile loses what was on it, as a broken connection does.
    if (receiver == receivers_.end() || cuts_.contains(link)) return;
    receiver->second(link.first, payload);
  });
}

void SimTransport::Send(NodeId to, Channel channel, std::string payload) {
  network_.Send(node_, to, channel, std::move(payload));
}

void SimTransport::Call(NodeId, std::string, MonotonicTime,
                        UniqueFunction<void(Result<std::string>)> done) {
  done(MakeError(ErrorCode::kUnavailable, "calls between nodes are not simulated"));
}

}  // namespace seshat
