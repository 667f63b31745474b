// The error replies that are ours: what a client is told when a command was not applied, or when
// nobody can say. Source: docs/adr/0007-error-model.md.
#pragma once

#include <string_view>

#include "seshat/base/error.h"
#include "seshat/resp/reply.h"

namespace seshat {

// It was certainly not applied and may be sent again: "CLUSTERDOWN <why>; not applied".
Reply NotApplied(std::string_view why);
// The node refuses writes: "MISCONF <why>; not applied".
Reply WritesRefused(std::string_view why);
// It may or may not be applied, now or later: "UNKNOWN outcome: <why>".
Reply OutcomeUnknown(std::string_view why);
// No cluster yet.
Reply NotFoundedYet();
// A read that could not be served: "CLUSTERDOWN <why>".
Reply Unreadable(std::string_view why);

// By the error's code: NotApplied, or "TRYAGAIN <which limit>; not applied" when a limit was
// reached.
Reply NotAppliedBecause(const Error& error);
// The same for a read.
Reply UnreadableBecause(const Error& error);

}  // namespace seshat
