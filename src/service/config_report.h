// CONFIG GET: Redis's parameters that clients and tools ask for, and this node's own.
#pragma once

#include "service_context.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Pre: arguments are those of CONFIG GET, with at least one pattern.
Reply ExecuteConfigGet(Arguments arguments, const ServiceContext& context);

}  // namespace seshat
