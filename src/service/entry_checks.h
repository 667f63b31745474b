// What both state machines ask of an entry before they apply it, and how they answer its waiters.
#pragma once

#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/raft/state_machine.h"
#include "seshat/resp/reply.h"

namespace seshat {

// "group 1, entry 42": for messages.
std::string EntryName(GroupId group, LogIndex index);

// Errors: kFailedPrecondition for a feature level that this version does not know: the node must
//         stop, for it cannot do what the others do.
Status CheckEntry(GroupId group, const CommittedEntry& entry);

// Pre: `waiter` is a CommandWaiter, as every waiter of a proposal to our groups is.
void AnswerWaiter(ProposalWaiter& waiter, Reply reply);

}  // namespace seshat
