// How whoever proposed a command learns what became of it.
#pragma once

#include <memory>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/unique_function.h"
#include "seshat/raft/state_machine.h"
#include "seshat/resp/reply.h"

namespace seshat {

// The waiter that both state machines answer: every waiter of a proposal to a group of ours is one.
// Exactly one of OnReply, OnNotApplied, OnOutcomeUnknown is called, once.
// Threads: as ProposalWaiter; OnReply on the group's apply executor.
class CommandWaiter : public ProposalWaiter {
 public:
  // The command was applied; `reply` is its result, which may be an error reply.
  virtual void OnReply(Reply reply) = 0;
};

// What became of one proposed command. Source: ADR 0007.
struct CommandOutcome {
  enum class Kind {
    kPending,
    kApplied,         // `reply` is the result
    kNotApplied,      // it never will be; `leader` may know better. Safe to retry.
    kOutcomeUnknown,  // it may or may not be, now or later. Never retried by us.
  };
  Kind kind = Kind::kPending;
  Reply reply;
  Error error{ErrorCode::kCancelled, ""};
  NodeId leader = kNoNode;

  static CommandOutcome Applied(Reply reply);
  static CommandOutcome NotApplied(Error why, NodeId leader);
  static CommandOutcome Unknown(Error why);
};

// A waiter that calls `done` with the outcome, on the thread that brings it.
std::unique_ptr<CommandWaiter> MakeCommandWaiter(UniqueFunction<void(CommandOutcome)> done);

}  // namespace seshat
