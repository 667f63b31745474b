#include "observed_machine.h"

#include <utility>

namespace seshat {

ObservedMachine::ObservedMachine(std::unique_ptr<StateMachine> machine, const SimDisk& disk,
                                 GroupId group, Observer observer)
    : machine_(std::move(machine)), disk_(disk), group_(group), observer_(std::move(observer)) {}

Status ObservedMachine::Apply(std::vector<CommittedEntry> entries) {
  std::vector<AppliedFact> facts;
  facts.reserve(entries.size());
  for (const CommittedEntry& entry : entries) facts.push_back({entry.term, entry.index, {}});
  if (Status applied = machine_->Apply(std::move(entries)); !applied) return applied;
  if (!facts.empty()) facts.back().state_digest = disk_.StateDigest(group_);
  for (const AppliedFact& fact : facts) observer_(fact);
  return {};
}

Status ObservedMachine::Reopen() {
  if (Status reopened = machine_->Reopen(); !reopened) return reopened;
  const Result<std::unique_ptr<StateView>> view = disk_.View(group_);
  if (!view) return std::unexpected(view.error());
  const Result<StateFacts> facts = machine_->Describe(**view);
  if (!facts) return std::unexpected(facts.error());
  observer_({facts->term, facts->index, disk_.StateDigest(group_), true});
  return {};
}

}  // namespace seshat
