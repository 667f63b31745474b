// How a group's replica goes on in another cluster than the one its state comes from: what the
// offline commands write where no driver runs.
#pragma once

#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/log_store.h"
#include "seshat/raft/configuration.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

// What is changed by hand counts as an entry of its own, of a term that nobody led: so no two
// states, and no snapshot of the former cluster, stand at the same index and term. The log begins
// behind it.
struct GroupBeginning {
  LogIndex index;  // what is applied stands there from now on
  Term term;
  std::string snapshot_row;
  std::string state_row;  // without a vote, and without a promise to former peers

  LogIndex FirstIndex() const { return index.Next(); }
};

// `applied`: what the state stands at; `highest`: the highest term that it or its log knows.
// All replicas of the new group are to be given the same.
GroupBeginning BeginBehind(LogIndex applied, Term highest, const Configuration& members,
                           UnixMillis now);

// Applies to `machine` everything that the group's log holds beyond it, committed or not. Gives the
// highest term that its rows and its log know. May block for long.
// Pre:    the group exists in `log`, and no driver runs it.
// Errors: those of GroupDriver::Open and StateMachine::Apply; some of it may be applied then.
Result<Term> ReplayLog(GroupId group, LogStore& log, StateMachine& machine);

}  // namespace seshat
