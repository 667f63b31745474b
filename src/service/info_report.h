// INFO: Redis's sections and fields, as far as they mean something here, and our own `# Raft`.
// Source: Redis 7.0.15, genRedisInfoString. A field whose value would be invented is left out.
#pragma once

#include "service_context.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Pre: arguments are those of INFO: the name, then sections; none means the default ones.
Reply ExecuteInfo(Arguments arguments, ServiceContext& context);

}  // namespace seshat
