#include "seshat/service/command_waiter.h"

#include <utility>

namespace seshat {
namespace {

// Threads: as CommandWaiter.
class CallbackWaiter final : public CommandWaiter {
 public:
  explicit CallbackWaiter(UniqueFunction<void(CommandOutcome)> done) : done_(std::move(done)) {}

  void OnReply(Reply reply) override { done_(CommandOutcome::Applied(std::move(reply))); }
  void OnNotApplied(Error why, NodeId leader) override {
    done_(CommandOutcome::NotApplied(std::move(why), leader));
  }
  void OnOutcomeUnknown(Error why) override { done_(CommandOutcome::Unknown(std::move(why))); }

 private:
  UniqueFunction<void(CommandOutcome)> done_;
};

}  // namespace

CommandOutcome CommandOutcome::Applied(Reply reply) {
  CommandOutcome outcome;
  outcome.kind = Kind::kApplied;
  outcome.reply = std::move(reply);
  return outcome;
}

CommandOutcome CommandOutcome::NotApplied(Error why, NodeId leader) {
  CommandOutcome outcome;
  outcome.kind = Kind::kNotApplied;
  outcome.error = std::move(why);
  outcome.leader = leader;
  return outcome;
}

CommandOutcome CommandOutcome::Unknown(Error why) {
  CommandOutcome outcome;
  outcome.kind = Kind::kOutcomeUnknown;
  outcome.error = std::move(why);
  return outcome;
}

std::unique_ptr<CommandWaiter> MakeCommandWaiter(UniqueFunction<void(CommandOutcome)> done) {
  return std::make_unique<CallbackWaiter>(std::move(done));
}

}  // namespace seshat
