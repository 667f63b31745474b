#include "leader_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "admin_questions.h"
#include "seshat/admin/group_names.h"
#include "seshat/admin/leadership_control.h"

namespace seshat {
namespace {

using Outcome = TransferAnswer::Outcome;

// Two nodes may name each other for a moment, while leadership changes.
constexpr int kHopsMax = 3;
// Longer than a node takes to answer.
constexpr Duration kTimeout = std::chrono::seconds(15);

// What the node at `address` says. Errors: nobody answers, or not in our words.
Result<TransferAnswer> Ask(const std::string& address, GroupId group, std::uint64_t to) {
  std::string path = fmt::format("/leader/transfer?group={}", group.value());
  if (to != 0) path += fmt::format("&to={}", to);
  return Understand(address, AdminPost(address, path, kTimeout), &ParseTransferAnswer);
}

TransferAnswer Failed(TransferAnswer answer, std::string problem) {
  answer.outcome = Outcome::kFailed;
  answer.problem = std::move(problem);
  return answer;
}

// Follows the word of each node to the leader. Errors: those of the first node.
Result<TransferAnswer> FollowToLeader(const LeaderTransferOptions& options, GroupId group) {
  Result<TransferAnswer> answer = Ask(options.address, group, options.to);
  for (int hop = 0; answer && answer->outcome == Outcome::kNotLeader; ++hop) {
    if (answer->leader_admin_address.empty()) {
      return Failed(*answer, answer->problem + ", whose admin address is not known");
    }
    if (hop == kHopsMax) {
      return Failed(*answer, fmt::format("{}: gave up after {} nodes; does each advertise an admin "
                                         "address of its own (advertise_admin_addr)?",
                                         answer->problem, kHopsMax + 1));
    }
    Result<TransferAnswer> next = Ask(answer->leader_admin_address, group, options.to);
    if (!next) {
      return Failed(*answer, fmt::format("{}, and it could not be asked: {}", answer->problem,
                                         next.error().message()));
    }
    answer = std::move(next);
  }
  return answer;
}

}  // namespace

int RunLeaderTransfer(const LeaderTransferOptions& options) {
  const std::optional<GroupId> group = ParseGroupName(options.group);
  if (!group.has_value()) {
    fmt::print(stderr,
               "seshat leader transfer: --group {}: allowed: data, system, or a group's number\n",
               options.group);
    return 2;
  }
  const Result<TransferAnswer> answer = FollowToLeader(options, *group);
  if (!answer) {
    fmt::print(stderr, "{}", NobodyAnswered("leader transfer", "--admin", answer.error()));
    return 2;
  }
  const bool is_done = answer->outcome == Outcome::kDone;
  if (options.as_json) {
    fmt::print("{}", ToJson(*answer));
  } else if (is_done) {
    fmt::print("node {} leads group {} now; node {} handed over\n", answer->leader.value(),
               GroupName(*group), answer->node.value());
  }
  if (!is_done) fmt::print(stderr, "seshat leader transfer: {}\n", answer->problem);
  return is_done ? 0 : 1;
}

}  // namespace seshat
