// What the TCP server counts. Private to it.
#pragma once

#include "seshat/base/ids.h"
#include "seshat/ports/metrics.h"

namespace seshat {

// Threads: thread-safe.
struct ClientMetrics {
  ClientMetrics(Metrics& metrics, NodeId node);

  Gauge& connections;
  Counter& accepted;
  Counter& rejected;
  Counter& output_limit_closed;
  Counter& protocol_errors;
  Counter& accept_errors;
  Counter& bytes_in;
  Counter& bytes_out;
};

}  // namespace seshat
