// ProposalBatch: several commands proposed together, and one call when all their outcomes are
// known.
#pragma once

#include <string>
#include <vector>

#include "seshat/base/unique_function.h"
#include "seshat/service/command_waiter.h"
#include "shard_group.h"

namespace seshat {

// Proposes `commands` in order. `done` is called once, with an outcome for each, on the thread that
// brings the last one, which may be this one before this function returns.
// Pre: commands is not empty.
void ProposeBatch(ShardGroup& group, std::vector<std::string> commands,
                  UniqueFunction<void(std::vector<CommandOutcome>)> done);

}  // namespace seshat
