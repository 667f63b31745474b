#include "client_metrics.h"

#include <string>

namespace seshat {
namespace {

MetricLabels Labels(NodeId node) {
  return {{"node_id", std::to_string(node.value())}};
}

}  // namespace

ClientMetrics::ClientMetrics(Metrics& metrics, NodeId node)
    : connections(
          metrics.GetGauge("client_connections", "Client connections now open.", Labels(node))),
      accepted(metrics.GetCounter("client_connections_accepted_total",
                                  "Client connections accepted.", Labels(node))),
      rejected(metrics.GetCounter("client_connections_rejected_total",
                                  "Client connections refused at once.", Labels(node))),
      output_limit_closed(metrics.GetCounter(
          "client_output_limit_closed_total",
          "Clients cut off because they did not take their replies.", Labels(node))),
      protocol_errors(metrics.GetCounter("client_protocol_errors_total",
                                         "Clients cut off for malformed requests.", Labels(node))),
      accept_errors(metrics.GetCounter("client_accept_errors_total",
                                       "Failures to accept a connection.", Labels(node))),
      bytes_in(
          metrics.GetCounter("client_bytes_in_total", "Bytes read from clients.", Labels(node))),
      bytes_out(metrics.GetCounter("client_bytes_out_total", "Bytes written to clients.",
                                   Labels(node))) {}

}  // namespace seshat
