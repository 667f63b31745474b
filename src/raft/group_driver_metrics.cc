#include "group_driver_metrics.h"

#include <chrono>
#include <string>
#include <string_view>

namespace seshat {
namespace {

MetricLabels LabelsOf(NodeId node, GroupId group) {
  std::string name = "shard_" + std::to_string(group.value());
  if (group == kSystemGroup) name = "system";
  if (group == kFirstDataGroup) name = "data";
  return {{"node_id", std::to_string(node.value())}, {"raft_group", std::move(name)}};
}

Counter& HandOvers(Metrics& metrics, NodeId node, GroupId group, std::string_view reason) {
  MetricLabels labels = LabelsOf(node, group);
  labels.emplace_back("reason", reason);
  return metrics.GetCounter("raft_leader_handovers_total",
                            "Times this node handed the group's leadership over, by reason: "
                            "request, stopping, leaving, slow_disk.",
                            labels);
}

}  // namespace

DriverGauges::DriverGauges(Metrics& metrics, NodeId node, GroupId group)
    : term_(metrics.GetGauge("raft_term", "Current Raft term.", LabelsOf(node, group))),
      is_leader_(metrics.GetGauge("raft_is_leader", "1 if this node leads the group, else 0.",
                                  LabelsOf(node, group))),
      commit_index_(metrics.GetGauge("raft_commit_index", "Highest log index known committed.",
                                     LabelsOf(node, group))),
      applied_index_(metrics.GetGauge("raft_applied_index", "Highest log index applied here.",
                                      LabelsOf(node, group))),
      log_size_bytes_(metrics.GetGauge("raft_log_size_bytes", "Size of the log's records.",
                                       LabelsOf(node, group))),
      entries_since_snapshot_(metrics.GetGauge("raft_log_entries_since_snapshot",
                                               "Entries applied since the newest snapshot here.",
                                               LabelsOf(node, group))),
      is_fetching_(metrics.GetGauge("raft_snapshot_fetching",
                                    "1 while a snapshot is being fetched from a leader, else 0.",
                                    LabelsOf(node, group))),
      snapshots_installed_(metrics.GetCounter("raft_snapshots_installed_total",
                                              "Snapshots of a leader that were put in place here.",
                                              LabelsOf(node, group))),
      proposals_in_flight_(metrics.GetGauge("raft_proposals_in_flight",
                                            "Commands admitted whose outcome is not out yet.",
                                            LabelsOf(node, group))),
      reads_waiting_(metrics.GetGauge("raft_reads_waiting", "Reads waiting for a read index.",
                                      LabelsOf(node, group))),
      clock_drifts_(metrics.GetCounter("raft_clock_drifts_total",
                                       "Times the wall and monotonic clocks were found to have "
                                       "drifted apart by more than 500 ms.",
                                       LabelsOf(node, group))),
      log_sync_seconds_(metrics.GetGauge("raft_log_sync_seconds",
                                         "How long the slowest log write of a typical moment takes "
                                         "to reach this node's disk; 0: not known yet.",
                                         LabelsOf(node, group))),
      handed_over_on_request_(HandOvers(metrics, node, group, "request")),
      handed_over_stopping_(HandOvers(metrics, node, group, "stopping")),
      handed_over_leaving_(HandOvers(metrics, node, group, "leaving")),
      handed_over_slow_disk_(HandOvers(metrics, node, group, "slow_disk")) {}

void DriverGauges::Update(const GroupStatus& status, Duration clock_drift) {
  term_.Set(static_cast<double>(status.core.term.value()));
  is_leader_.Set(status.core.role == Role::kLeader ? 1 : 0);
  commit_index_.Set(static_cast<double>(status.core.commit_index.value()));
  applied_index_.Set(static_cast<double>(status.applied_index.value()));
  log_size_bytes_.Set(static_cast<double>(status.log_size_bytes));
  entries_since_snapshot_.Set(static_cast<double>(status.entries_since_snapshot));
  is_fetching_.Set(status.fetching.has_value() ? 1 : 0);
  const std::uint64_t installed = status.snapshots_installed - installed_counted_;
  if (installed > 0) snapshots_installed_.Increment(static_cast<double>(installed));
  installed_counted_ = status.snapshots_installed;
  proposals_in_flight_.Set(static_cast<double>(status.proposals_in_flight));
  reads_waiting_.Set(static_cast<double>(status.reads_waiting));
  if (clock_drift != Duration(0)) clock_drifts_.Increment();
  log_sync_seconds_.Set(std::chrono::duration<double>(status.log_sync).count());
}

void DriverGauges::CountHandOver(TransferReason reason) {
  switch (reason) {
    case TransferReason::kRequest:
      return handed_over_on_request_.Increment();
    case TransferReason::kStopping:
      return handed_over_stopping_.Increment();
    case TransferReason::kLeaving:
      return handed_over_leaving_.Increment();
    case TransferReason::kSlowDisk:
      return handed_over_slow_disk_.Increment();
  }
}

}  // namespace seshat
