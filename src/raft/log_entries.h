// A group's log records on their way to followers and to the state machine.
#pragma once

#include <cstddef>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/ports/log_store.h"
#include "seshat/raft/entry.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

// The contract of LogStore::Read, decoded. Errors: also kCorruption and kFailedPrecondition, naming
// the record.
Result<std::vector<Entry>> ReadEntries(GroupId group, LogStore& log, LogIndex first, LogIndex end,
                                       std::size_t bytes_max);

// Without its commands, and without waiters.
CommittedEntry AsCommitted(Entry entry);

// Sets stamp and commands of a normal entry, views into its data.
// Errors: kCorruption, kFailedPrecondition, naming the entry.
Status DecodeCommands(GroupId group, CommittedEntry& entry);

}  // namespace seshat
