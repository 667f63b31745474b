// The write commands one by one, for the dispatcher in execution.cc.
//
// Each gets arguments that ValidateCommand has passed.
#pragma once

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/commands/keyspace.h"
#include "seshat/commands/replicated_limits.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Threads: owned by one call of ExecuteWrite.
struct WriteContext {
  const CommandSpec& spec;
  Arguments arguments;
  Keyspace& keyspace;
  UnixMillis entry_time;
  const ReplicatedLimits& limits;
};

// string_writes.cc
Result<Reply> ExecuteSet(const WriteContext& context);
Result<Reply> ExecuteMSet(const WriteContext& context);
Result<Reply> ExecuteAppend(const WriteContext& context);
// INCR, DECR, INCRBY, DECRBY.
Result<Reply> ExecuteAdd(const WriteContext& context);

// key_writes.cc
Result<Reply> ExecuteDel(const WriteContext& context);
// EXPIRE, PEXPIRE.
Result<Reply> ExecuteSetExpiry(const WriteContext& context);
Result<Reply> ExecutePersist(const WriteContext& context);
// FLUSHALL, FLUSHDB: there is one database.
Result<Reply> ExecuteFlush(const WriteContext& context);

}  // namespace seshat
