// NodeHealth: how this node and its cluster are, put together for the admin endpoint.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "cluster_steward.h"
#include "disk_guard.h"
#include "seshat/admin/health_source.h"
#include "seshat/node/node_config.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/metrics.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/cluster_state.h"
#include "seshat/transport/tcp_transport.h"

namespace seshat {

// Lifetime: all of it outlives the health.
struct NodeHealthPorts {
  const Clock* clock = nullptr;
  const GroupRegistry* groups = nullptr;
  const ClusterStateSource* cluster = nullptr;
  const TcpTransport* transport = nullptr;
  const ClusterSteward* steward = nullptr;
  const DiskGuard* disk = nullptr;
};

// One group's picture from what its driver says; the problem, if any, in words.
GroupReport ReportOf(const GroupStatus& status);

// Threads: thread-safe.
class NodeHealth final : public HealthSource {
 public:
  NodeHealth(const NodeConfig& config, const std::string& store_id, const NodeHealthPorts& ports);

  // From now on the node is not ready.
  void SetStopping() { is_stopping_ = true; }

  // Sets the gauges that are about the cluster as a whole.
  void ExportMetrics(Metrics& metrics) const;

  HealthAnswer GetLiveness() const override;
  HealthAnswer GetReadiness() const override;
  HealthAnswer GetHealth() const override;
  StatusReport GetStatus() const override;

 private:
  std::vector<GroupReport> Groups() const;
  std::vector<MemberReport> Members() const;

  const NodeConfig config_;
  const std::string store_id_;
  const NodeHealthPorts ports_;
  const std::string data_dir_;  // absolute
  const MonotonicTime started_at_;
  std::atomic<bool> is_stopping_{false};
};

}  // namespace seshat
