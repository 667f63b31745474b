// ServiceContext: what everything in this layer shares.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "client_registry.h"
#include "request_metrics.h"
#include "router.h"
#include "seshat/base/time.h"
#include "seshat/service/service.h"

namespace seshat {

// Threads: thread-safe.
struct ServiceContext {
  ServiceContext(const ServiceOptions& service_options, const ServicePorts& service_ports)
      : options(service_options),
        ports(service_ports),
        started_at(service_ports.clock->Now()),
        started_at_wall(service_ports.clock->WallNow()),
        metrics(*service_ports.metrics, service_options.node),
        clients(service_options.clients_max),
        router(*service_ports.cluster) {}

  const ServiceOptions options;
  const ServicePorts ports;
  const MonotonicTime started_at;
  const UnixMillis started_at_wall;
  RequestMetrics metrics;
  ClientRegistry clients;
  Router router;
  std::atomic<std::size_t> parked_commands{0};
  std::atomic<std::uint64_t> last_request_id{0};
  std::atomic<std::size_t> next_reader{0};  // round robin over ports.read_pool
  std::atomic<bool> stopping{false};
};

}  // namespace seshat
