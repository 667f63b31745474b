// The gauges of one group, under the specification's names and labels.
#pragma once

#include <cstdint>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/metrics.h"
#include "seshat/raft/group_driver.h"

namespace seshat {

// Threads: owned by the group's raft executor. Lifetime: `metrics` outlives it.
class DriverGauges {
 public:
  DriverGauges(Metrics& metrics, NodeId node, GroupId group);

  // `clock_drift`: 0, or what TakeDrift reported.
  void Update(const GroupStatus& status, Duration clock_drift);
  // This node has handed leadership over.
  void CountHandOver(TransferReason reason);

 private:
  std::uint64_t installed_counted_ = 0;
  Gauge& term_;
  Gauge& is_leader_;
  Gauge& commit_index_;
  Gauge& applied_index_;
  Gauge& log_size_bytes_;
  Gauge& entries_since_snapshot_;
  Gauge& is_fetching_;
  Counter& snapshots_installed_;
  Gauge& proposals_in_flight_;
  Gauge& reads_waiting_;
  Counter& clock_drifts_;
  Gauge& log_sync_seconds_;
  Counter& handed_over_on_request_;
  Counter& handed_over_stopping_;
  Counter& handed_over_leaving_;
  Counter& handed_over_slow_disk_;
};

}  // namespace seshat
