#include "transport_context.h"

#include <fmt/format.h>

#include <utility>

namespace seshat {
namespace {

MetricLabels NodeLabels(const TransportOptions& options) {
  return {{"node_id", fmt::to_string(options.node_id.value())}};
}

MetricLabels StreamLabels(const TransportContext& context, NodeId peer, StreamKind kind) {
  MetricLabels labels = NodeLabels(context.options);
  labels.emplace_back("peer", fmt::to_string(peer.value()));
  labels.emplace_back("channel", ToString(kind));
  return labels;
}

}  // namespace

void LiveCount::Add() {
  MutexLock lock(mutex_);
  ++count_;
}

void LiveCount::Remove() {
  MutexLock lock(mutex_);
  // Notified under the lock: the waiter may destroy this as soon as it sees none.
  if (--count_ == 0) none_.NotifyAll();
}

void LiveCount::WaitForNone() {
  MutexLock lock(mutex_);
  while (count_ != 0) none_.Wait(mutex_);
}

TransportContext::TransportContext(TransportOptions options_in, PeerIdentity identity,
                                   PeerHandler& handler_in, HandshakePolicy& policy_in,
                                   Clock& clock_in, Rng& rng_in, Metrics& metrics_in)
    : options(std::move(options_in)),
      handler(handler_in),
      policy(policy_in),
      clock(clock_in),
      rng(rng_in),
      metrics(metrics_in),
      protocol_errors(metrics.GetCounter(
          "transport_protocol_errors_total",
          "Streams closed because of bytes that no honest peer sends", NodeLabels(options))),
      handshakes_refused(metrics.GetCounter("transport_handshakes_refused_total",
                                            "Streams from peers that were refused",
                                            NodeLabels(options))),
      timers(clock),
      identity_(std::move(identity)) {}

LocalEnd TransportContext::Local() const {
  MutexLock lock(mutex_);
  return {
      .node_id = options.node_id, .identity = identity_, .cluster_secret = options.cluster_secret};
}

void TransportContext::SetIdentity(PeerIdentity identity) {
  MutexLock lock(mutex_);
  identity_ = std::move(identity);
}

void TransportContext::Report(LinkEvent::Kind kind, NodeId peer, std::string detail) const {
  if (!options.on_link_event) return;
  options.on_link_event({.kind = kind, .peer = peer, .detail = std::move(detail)});
}

StreamMetrics::StreamMetrics(TransportContext& context, NodeId peer, StreamKind kind)
    : messages_dropped(context.metrics.GetCounter(
          "transport_messages_dropped_total",
          "Messages not sent: no connection, or the queue for the peer was full",
          StreamLabels(context, peer, kind))),
      bytes_dropped(context.metrics.GetCounter("transport_bytes_dropped_total",
                                               "Bytes of messages not sent",
                                               StreamLabels(context, peer, kind))),
      bytes_sent(context.metrics.GetCounter("transport_bytes_sent_total",
                                            "Payload bytes handed to the connection",
                                            StreamLabels(context, peer, kind))),
      queue_bytes(context.metrics.GetGauge("transport_queue_bytes",
                                           "Bytes waiting for the connection to take them",
                                           StreamLabels(context, peer, kind))) {}

}  // namespace seshat
