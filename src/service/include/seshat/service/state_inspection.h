// A group's applied state as its rows are, for a look at a node that does not run; and the commands
// of its log entries in words.
//
// The audit of a running node (StateAudit) says yes or no; this names the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/commands/applied_state.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// What a scan of every row came to.
struct InspectedState {
  std::optional<AppliedState> applied;  // what the row says; empty when it does not decode
  std::uint64_t key_count = 0;          // counted
  std::uint64_t digest = 0;             // added up
  std::string cluster_id;               // system group, once it is founded
  std::vector<std::string> problems;    // what is wrong, naming the row; a bounded number
};

// May block for long. Errors: those of StateView::Scan: the rest cannot be read.
Result<InspectedState> InspectState(GroupId group, const StateView& view);

// A command of a log entry.
struct InspectedCommand {
  std::string name;  // in upper case; of a command that no client sent, its kind
  std::vector<std::string> keys;
  std::vector<std::string> arguments;  // all of a client's command, its name first
};

// Errors: kCorruption; kFailedPrecondition: a newer version wrote it.
Result<InspectedCommand> InspectCommand(GroupId group, std::string_view bytes);

}  // namespace seshat
