// What a group's committed entries are applied to, and how proposers learn the outcome.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/state_store.h"
#include "seshat/raft/entry.h"

namespace seshat {

// Waits for one proposed command. Exactly one of these is called, once:
//   OnNotApplied, OnOutcomeUnknown by the driver, or the state machine's own way to hand over the
//   result (it made the waiter's concrete class together with the service).
// Threads: called on the raft or the apply executor, or inside GroupDriver::Propose; must not
// block.
class ProposalWaiter {
 public:
  virtual ~ProposalWaiter() = default;

  // It is certain that the command will never be applied. `leader` may be kNoNode.
  virtual void OnNotApplied(Error why, NodeId leader) = 0;
  // It may or may not be applied, now or later.
  virtual void OnOutcomeUnknown(Error why) = 0;
};

// One committed entry on its way into the state machine.
struct CommittedEntry {
  Term term;
  LogIndex index;
  EntryType type = EntryType::kNormal;
  FeatureLevel feature_level = kFeatureLevelMin;
  UnixMillis stamp;  // normal entries: the leader's time; may be below the group clock
  std::vector<std::string_view> commands;  // normal entries; views into `data`
  Payload data;
  // One for each command when this node proposed the entry, else empty.
  std::vector<std::unique_ptr<ProposalWaiter>> waiters;
};

// What a group's applied state amounts to, wherever it lies. Equal on every replica that has
// applied `index`.
struct StateFacts {
  LogIndex index;
  Term term;
  std::uint64_t key_count = 0;
  std::uint64_t digest = 0;

  bool operator==(const StateFacts&) const = default;
};

// Adds a group's state up, row by row, to compare it with what was promised.
// Threads: owned by its user.
class StateAudit {
 public:
  virtual ~StateAudit() = default;

  virtual void Add(std::string_view key, std::string_view value) = 0;
  // Errors: kCorruption: the rows contradict what they say of themselves; kFailedPrecondition: a
  //         newer release wrote them.
  virtual Result<StateFacts> Finish() = 0;
};

// Threads: owned by the group's apply executor, except AppliedIndex before the driver starts,
// Describe and NewAudit.
class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // What it holds at start; 0 for a new group.
  virtual LogIndex AppliedIndex() const = 0;
  // The highest stamp it has applied: where the group clock of a new leader begins.
  virtual UnixMillis GroupClock() const = 0;

  // Applies entries in order: every effect and the new applied index in one atomic batch (or
  // several, each complete in itself), then hands results to the waiters. Reads nothing but the
  // entries and its own state.
  // Errors: kCorruption, kFailedPrecondition (unknown feature level): the node stops.
  virtual Status Apply(std::vector<CommittedEntry> entries) = 0;

  // The state that is in the store now has come from elsewhere: begins anew with it.
  // Errors: kCorruption, kFailedPrecondition: the node stops.
  virtual Status Reopen() = 0;

  // What `view` of the group's state amounts to. May block. Threads: thread-safe.
  // Errors: kCorruption, kFailedPrecondition.
  virtual Result<StateFacts> Describe(const StateView& view) const = 0;
  // Threads: thread-safe. Lifetime: may outlive the state machine.
  virtual std::unique_ptr<StateAudit> NewAudit() const = 0;
};

}  // namespace seshat
