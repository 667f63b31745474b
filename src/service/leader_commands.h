// Commands that the leader of a shard answers without its log: WAIT and CLUSTER FAILOVER.
//
// They are executed where the shard's leader is, for a client of this node or of another one.
#pragma once

#include <cstdint>
#include <memory>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"
#include "shard_group.h"

namespace seshat {

// How long a client wants to be kept waiting, at most. WAIT's timeout of 0, for ever, is
// `request_timeout`, as is anything longer.
// Pre: the arguments are valid (ValidateCommand).
Duration PatienceOf(const CommandSpec& spec, Arguments arguments, Duration request_timeout);

// Executes the command on behalf of a client of `asker`. WAIT answers at `until` with what it has
// come to; CLUSTER FAILOVER ends by itself, and makes `asker` the leader.
// `done` gets the reply, inside the call or on any thread. Errors: kUnavailable: this node does not
// lead, or not any more: somebody else may be asked; others: nobody else either.
// Pre: spec.kind is kLeader; the arguments are valid (ValidateCommand).
void ExecuteLeaderCommand(const CommandSpec& spec, Arguments arguments, NodeId asker,
                          MonotonicTime until, const std::shared_ptr<ShardGroup>& group,
                          UniqueFunction<void(Result<Reply>)> done);

}  // namespace seshat
