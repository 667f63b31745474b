#include "proposal_batch.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "seshat/base/check.h"

namespace seshat {
namespace {

// Threads: thread-safe: each waiter writes its own slot, the last one takes all.
struct Batch {
  std::vector<CommandOutcome> outcomes;
  std::atomic<std::size_t> pending{0};
  UniqueFunction<void(std::vector<CommandOutcome>)> done;
};

// Threads: as CommandWaiter.
class BatchWaiter final : public CommandWaiter {
 public:
  BatchWaiter(std::shared_ptr<Batch> batch, std::size_t index)
      : batch_(std::move(batch)), index_(index) {}

  // A waiter that nobody answered would leave its client waiting for ever.
  ~BatchWaiter() override {
    if (batch_ == nullptr) return;
    Settle(
        CommandOutcome::Unknown(Error(ErrorCode::kOutcomeUnknown, "the proposal was abandoned")));
  }
  BatchWaiter(const BatchWaiter&) = delete;
  BatchWaiter& operator=(const BatchWaiter&) = delete;

  void OnReply(Reply reply) override { Settle(CommandOutcome::Applied(std::move(reply))); }
  void OnNotApplied(Error why, NodeId leader) override {
    Settle(CommandOutcome::NotApplied(std::move(why), leader));
  }
  void OnOutcomeUnknown(Error why) override { Settle(CommandOutcome::Unknown(std::move(why))); }

 private:
  void Settle(CommandOutcome outcome) {
    SESHAT_CHECK(batch_ != nullptr);
    const std::shared_ptr<Batch> batch = std::move(batch_);
    batch_ = nullptr;
    batch->outcomes[index_] = std::move(outcome);
    if (batch->pending.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    batch->done(std::move(batch->outcomes));
  }

  std::shared_ptr<Batch> batch_;
  const std::size_t index_;
};

}  // namespace

void ProposeBatch(ShardGroup& group, std::vector<std::string> commands,
                  UniqueFunction<void(std::vector<CommandOutcome>)> done) {
  SESHAT_CHECK(!commands.empty());
  const auto batch = std::make_shared<Batch>();
  batch->outcomes.resize(commands.size());
  batch->pending.store(commands.size(), std::memory_order_relaxed);
  batch->done = std::move(done);
  std::vector<Proposal> proposals;
  proposals.reserve(commands.size());
  for (std::size_t i = 0; i < commands.size(); ++i) {
    proposals.push_back(
        {.command = std::move(commands[i]), .waiter = std::make_unique<BatchWaiter>(batch, i)});
  }
  group.Propose(std::move(proposals));
}

}  // namespace seshat
