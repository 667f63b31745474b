// SimSnapshots: the snapshots on one machine's disk, and what comes in from others.
//
// A kept snapshot survives any crash, one that was only taken none. Now and then the disk is full.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "disk.h"
#include "rows.h"
#include "scheduler.h"
#include "seshat/ports/snapshot_store.h"

namespace seshat {

// Threads: owned by the simulation's thread.
class SimIncomingState : public IncomingState {
 public:
  explicit SimIncomingState(bool runs_full) : runs_full_(runs_full) {}

  Status Add(std::string_view key, std::string_view value) override;
  Status Finish() override;
  std::uint64_t size_bytes() const override { return size_bytes_; }
  const Rows& rows() const { return rows_; }

 private:
  const bool runs_full_;
  Rows rows_;
  std::uint64_t size_bytes_ = 0;
};

// Threads: owned by the simulation's thread. Lifetime: the disk outlives it.
class SimSnapshots : public SnapshotStore {
 public:
  SimSnapshots(SimScheduler& scheduler, const SimDisk& disk) : scheduler_(scheduler), disk_(disk) {}

  Result<std::shared_ptr<Snapshot>> Take(UnixMillis now) override;
  Result<std::shared_ptr<const Snapshot>> Keep(std::shared_ptr<Snapshot> taken, LogIndex index,
                                               std::vector<GroupSnapshot> groups) override;
  std::vector<std::shared_ptr<const Snapshot>> Kept() const override { return kept_; }
  Result<std::unique_ptr<IncomingState>> BeginIncoming(GroupId group) override;

  // One of so many attempts meets a full disk; 0: none does.
  void SetFullOneIn(std::uint64_t attempts) { full_one_in_ = attempts; }

 private:
  bool IsFull();

  SimScheduler& scheduler_;
  const SimDisk& disk_;
  std::uint64_t full_one_in_ = 0;
  std::vector<std::shared_ptr<const Snapshot>> kept_;  // newest first
};

}  // namespace seshat
