#include "support/memory_snapshot_store.h"

#include <string>
#include <utility>

namespace seshat {

// Threads: as its store.
class MemorySnapshotStore::MemorySnapshot final : public Snapshot {
 public:
  MemorySnapshot(const StateStore& state, UnixMillis created_at)
      : state_(state), created_at_(created_at) {}

  const std::string& name() const override { return name_; }
  UnixMillis created_at() const override { return created_at_; }
  std::uint64_t size_bytes() const override { return kSizeBytes; }
  const std::vector<GroupSnapshot>& groups() const override { return groups_; }
  Result<std::unique_ptr<StateView>> View(GroupId group) const override {
    return state_.View(group);
  }

  void Keep(LogIndex index, std::vector<GroupSnapshot> groups) {
    name_ = "snapshot-" + std::to_string(index.value());
    groups_ = std::move(groups);
  }

 private:
  const StateStore& state_;
  const UnixMillis created_at_;
  std::string name_;
  std::vector<GroupSnapshot> groups_;
};

Result<std::shared_ptr<Snapshot>> MemorySnapshotStore::Take(UnixMillis now) {
  if (failure_) return std::unexpected(*failure_);
  return std::make_shared<MemorySnapshot>(state_, now);
}

Result<std::shared_ptr<const Snapshot>> MemorySnapshotStore::Keep(
    std::shared_ptr<Snapshot> taken, LogIndex index, std::vector<GroupSnapshot> groups) {
  static_cast<MemorySnapshot&>(*taken).Keep(index, std::move(groups));
  kept_.insert(kept_.begin(), std::move(taken));
  if (kept_.size() > 2) kept_.pop_back();
  return kept_.front();
}

Result<std::unique_ptr<IncomingState>> MemorySnapshotStore::BeginIncoming(GroupId) {
  return MakeError(ErrorCode::kIo, "nothing comes into a store in memory");
}

}  // namespace seshat
