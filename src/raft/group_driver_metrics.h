// The gauges of one group, under the specification's names and labels.
#pragma once

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

 private:
  Gauge& term_;
  Gauge& is_leader_;
  Gauge& commit_index_;
  Gauge& applied_index_;
  Gauge& log_size_bytes_;
  Gauge& proposals_in_flight_;
  Gauge& reads_waiting_;
  Counter& clock_drifts_;
};

}  // namespace seshat
