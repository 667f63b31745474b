// ObservedMachine: a node's real state machine, and somebody who is told what it applied.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "disk.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

// What the checks want to know of each entry as it is applied.
struct AppliedFact {
  Term term;
  LogIndex index;
  // Of every row of the group. Empty: the next entry was applied together with this one.
  std::optional<std::uint64_t> state_digest;
  bool is_installed = false;  // not applied here: a snapshot brought it
};

// Threads: owned by the group's apply executor.
class ObservedMachine final : public StateMachine {
 public:
  using Observer = std::function<void(const AppliedFact&)>;

  // Lifetime: the disk outlives it.
  ObservedMachine(std::unique_ptr<StateMachine> machine, const SimDisk& disk, GroupId group,
                  Observer observer);

  LogIndex AppliedIndex() const override { return machine_->AppliedIndex(); }
  UnixMillis GroupClock() const override { return machine_->GroupClock(); }
  Status Apply(std::vector<CommittedEntry> entries) override;
  Status Reopen() override;
  Result<StateFacts> Describe(const StateView& view) const override {
    return machine_->Describe(view);
  }
  std::unique_ptr<StateAudit> NewAudit() const override { return machine_->NewAudit(); }

 private:
  const std::unique_ptr<StateMachine> machine_;
  const SimDisk& disk_;
  const GroupId group_;
  const Observer observer_;
};

}  // namespace seshat
