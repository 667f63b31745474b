// RegisterMachine: the smallest state machine whose clients can notice a consensus bug.
//
// A few registers that can be written and compared-and-set. Every write carries a value that no
// other carries, so a history says exactly which write a read has seen.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "seshat/ports/state_store.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

struct RegisterCommand {
  std::uint64_t key = 0;
  std::uint64_t value = 0;  // to be stored
  // Compare-and-set: stored only when the register holds `expected`.
  bool is_conditional = false;
  std::uint64_t expected = 0;
};

std::string EncodeCommand(const RegisterCommand& command);

struct RegisterResult {
  bool is_stored = false;
  std::uint64_t before = 0;  // the register's value until then
};

// Threads: owned by the simulation's thread.
class RegisterWaiter : public ProposalWaiter {
 public:
  virtual void OnResult(RegisterResult result) = 0;
};

// The value of a register in a node's store; 0 when never written.
std::uint64_t ReadRegister(const StateStore& store, GroupId group, std::uint64_t key);

// What the checks want to know of each entry as it is applied.
struct AppliedFact {
  Term term;
  LogIndex index;
  std::uint64_t state_digest = 0;  // of everything applied up to here, results included
};

// Threads: owned by the group's apply executor.
class RegisterMachine : public StateMachine {
 public:
  // Loads what the store holds. Lifetime: the store outlives it.
  RegisterMachine(StateStore& store, GroupId group,
                  std::function<void(const AppliedFact&)> observer);

  LogIndex AppliedIndex() const override { return applied_; }
  UnixMillis GroupClock() const override { return clock_; }
  Status Apply(std::vector<CommittedEntry> entries) override;

 private:
  Result<RegisterResult> ApplyCommand(std::string_view command, StateBatch& batch);

  StateStore& store_;
  const GroupId group_;
  const std::function<void(const AppliedFact&)> observer_;
  std::map<std::uint64_t, std::uint64_t> registers_;
  LogIndex applied_;
  UnixMillis clock_;
  std::uint64_t digest_ = 0;
};

}  // namespace seshat
