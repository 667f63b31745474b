// A SnapshotStore in memory, for tests: it keeps metadata, and shows the state as it is when one
// looks, not as it was when the snapshot was taken. Faults on request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "seshat/ports/snapshot_store.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// Threads: owned by the test. Lifetime: `state` outlives it and its snapshots.
class MemorySnapshotStore final : public SnapshotStore {
 public:
  static constexpr std::uint64_t kSizeBytes = 4711;  // of each

  explicit MemorySnapshotStore(const StateStore& state) : state_(state) {}

  // While set, Take fails with this error.
  void FailTakes(std::optional<Error> error) { failure_ = std::move(error); }

  Result<std::shared_ptr<Snapshot>> Take(UnixMillis now) override;
  // Named "snapshot-INDEX".
  Result<std::shared_ptr<const Snapshot>> Keep(std::shared_ptr<Snapshot> taken, LogIndex index,
                                               std::vector<GroupSnapshot> groups) override;
  std::vector<std::shared_ptr<const Snapshot>> Kept() const override { return kept_; }
  // Errors: kIo, always.
  Result<std::unique_ptr<IncomingState>> BeginIncoming(GroupId group) override;

 private:
  class MemorySnapshot;

  const StateStore& state_;
  std::vector<std::shared_ptr<const Snapshot>> kept_;  // newest first
  std::optional<Error> failure_;
};

}  // namespace seshat
