#include "outcome_replies.h"

#include <fmt/format.h>

#include "seshat/commands/error_replies.h"

namespace seshat {

Reply NotApplied(std::string_view why) {
  return ErrorQuoting(fmt::format("CLUSTERDOWN {}; not applied", why));
}

Reply WritesRefused(std::string_view why) {
  return ErrorQuoting(fmt::format("MISCONF {}; not applied", why));
}

Reply OutcomeUnknown(std::string_view why) {
  return ErrorQuoting(fmt::format("UNKNOWN outcome: {}", why));
}

Reply NotFoundedYet() {
  return NotApplied("the cluster has not been founded yet");
}

Reply Unreadable(std::string_view why) {
  return ErrorQuoting(fmt::format("CLUSTERDOWN {}", why));
}

Reply NotAppliedBecause(const Error& error) {
  if (error.code() == ErrorCode::kResourceExhausted) {
    return ErrorQuoting(fmt::format("TRYAGAIN {}; not applied", error.message()));
  }
  return NotApplied(error.message());
}

Reply UnreadableBecause(const Error& error) {
  if (error.code() == ErrorCode::kResourceExhausted) {
    return ErrorQuoting(fmt::format("TRYAGAIN {}", error.message()));
  }
  return Unreadable(error.message());
}

}  // namespace seshat
