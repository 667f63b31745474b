#include "shard_group.h"

#include <atomic>
#include <utility>

namespace seshat {
namespace {

// Threads: thread-safe.
class DriverShardGroup final : public ShardGroup {
 public:
  explicit DriverShardGroup(std::shared_ptr<GroupDriver> driver) : driver_(std::move(driver)) {}

  bool IsLeader() const override {
    return driver_->view().is_leader.load(std::memory_order_acquire);
  }
  NodeId Leader() const override {
    return NodeId(driver_->view().leader.load(std::memory_order_acquire));
  }
  LogIndex AppliedIndex() const override {
    return LogIndex(driver_->view().applied.load(std::memory_order_acquire));
  }
  UnixMillis CurrentStamp() const override { return driver_->CurrentStamp(); }
  GroupStatus GetStatus() const override { return driver_->GetStatus(); }

  void Propose(std::vector<Proposal> proposals) override { driver_->Propose(std::move(proposals)); }
  void RequestRead(UniqueFunction<void(Result<ReadPermit>)> done) override {
    driver_->RequestRead(std::move(done));
  }
  bool TryLeaseRead(ReadPermit& permit) const override { return driver_->TryLeaseRead(permit); }
  void WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) override {
    driver_->WhenAppliedPast(index, std::move(done));
  }
  void WhenReplicated(LogIndex index, std::size_t wanted, MonotonicTime until,
                      UniqueFunction<void(Result<std::size_t>)> done) override {
    driver_->WhenReplicated(index, wanted, until, std::move(done));
  }
  void TransferLeadership(NodeId to, UniqueFunction<void(Status)> done) override {
    driver_->TransferLeadership(to, std::move(done));
  }

 private:
  const std::shared_ptr<GroupDriver> driver_;
};

}  // namespace

std::shared_ptr<ShardGroup> MakeShardGroup(std::shared_ptr<GroupDriver> driver) {
  return std::make_shared<DriverShardGroup>(std::move(driver));
}

}  // namespace seshat
