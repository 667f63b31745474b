#include "entry_checks.h"

#include <utility>

#include "seshat/base/check.h"
#include "seshat/service/command_waiter.h"

namespace seshat {

std::string EntryName(GroupId group, LogIndex index) {
  return "group " + std::to_string(group.value()) + ", entry " + std::to_string(index.value());
}

Status CheckEntry(GroupId group, const CommittedEntry& entry) {
  SESHAT_CHECK(entry.waiters.empty() || entry.waiters.size() == entry.commands.size());
  if (entry.feature_level >= kFeatureLevelMin && entry.feature_level <= kFeatureLevelMax) return {};
  return MakeError(ErrorCode::kFailedPrecondition,
                   EntryName(group, entry.index) + ": feature level " +
                       std::to_string(entry.feature_level.value()) +
                       " is not known to this version of Seshat, which knows " +
                       std::to_string(kFeatureLevelMin.value()) + " to " +
                       std::to_string(kFeatureLevelMax.value()));
}

void AnswerWaiter(ProposalWaiter& waiter, Reply reply) {
  static_cast<CommandWaiter&>(waiter).OnReply(std::move(reply));
}

}  // namespace seshat
