#include "member_requests.h"

#include <fmt/format.h>

#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "seshat/node/log.h"
#include "seshat/node/node_config.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

using Outcome = MemberAnswer::Outcome;

}  // namespace

MemberAnswer MemberRequests::Add(NodeId node, const std::string& internal_address) {
  if (!internal_address.empty()) {
    const Result<Endpoint> address = ParseEndpoint(internal_address);
    if (!address || address->port == 0) {
      return Answer(Outcome::kRefused,
                    fmt::format("internal address \"{}\": allowed: HOST:PORT", internal_address));
    }
  }
  ClusterMember member;
  member.id = node;
  member.internal_address = internal_address;
  MemberAnswer answer = Decide(EncodeAddNode(member));
  Log(LogLevel::kInfo, "node", "asked to add a member",
      {{"peer", node.value()}, {"problem", answer.problem}});
  return answer;
}

MemberAnswer MemberRequests::Remove(NodeId node) {
  std::string refusal = RemovalRefusal(node, *ports_.cluster->Get());
  MemberAnswer answer = refusal.empty() ? Decide(EncodeRemoveNode(node))
                                        : Answer(Outcome::kRefused, std::move(refusal));
  Log(LogLevel::kInfo, "node", "asked to remove a member",
      {{"peer", node.value()}, {"problem", answer.problem}});
  return answer;
}

std::string MemberRequests::RemovalRefusal(NodeId node, const ClusterState& state) const {
  std::size_t remaining = 0;
  std::vector<std::uint64_t> missing;
  for (const NodeId voter : state.DesiredVoters()) {
    if (voter == node || !state.IsPlaced(voter)) continue;
    ++remaining;
    if (voter != self_ && !ports_.is_connected(voter)) missing.push_back(voter.value());
  }
  // Who is no member, or the last one, is the cluster's to refuse.
  const bool is_member = state.FindMember(node) != nullptr && state.IsPlaced(node);
  if (!is_member || remaining == 0 || 2 * (remaining - missing.size()) > remaining) return "";
  return fmt::format(
      "without node {} the cluster would have {} voters, and node {} cannot reach {} of them (node "
      "{}): no majority; allowed: bring them back, or remove or replace them first",
      node.value(), remaining, self_.value(), missing.size(), fmt::join(missing, ", "));
}

MemberAnswer MemberRequests::Decide(std::string command) {
  if (is_busy_.exchange(true)) {
    return Answer(Outcome::kTryAgain,
                  fmt::format("node {} waits for another change to be decided", self_.value()));
  }
  MemberAnswer answer = Await(std::move(command));
  is_busy_ = false;
  return answer;
}

MemberAnswer MemberRequests::Await(std::string command) const {
  const auto word = std::make_shared<std::promise<Result<Reply>>>();
  std::future<Result<Reply>> decision = word->get_future();
  ports_.propose(std::move(command),
                 [word](Result<Reply> reply) { word->set_value(std::move(reply)); });
  if (decision.wait_for(wait_max_) != std::future_status::ready) {
    return Answer(Outcome::kUnknown, "the cluster has not decided in time: it may do so later");
  }
  const Result<Reply> reply = decision.get();
  if (!reply) {
    const bool is_unknown = reply.error().code() == ErrorCode::kOutcomeUnknown;
    return Answer(is_unknown ? Outcome::kUnknown : Outcome::kFailed, reply.error().message());
  }
  if (!reply->IsError()) return Answer(Outcome::kDone, "");
  const bool is_for_now = reply->text.starts_with(kTryAgain);
  return Answer(is_for_now ? Outcome::kTryAgain : Outcome::kRefused, RefusalText(*reply));
}

MemberAnswer MemberRequests::Answer(Outcome outcome, std::string problem) const {
  return {.outcome = outcome, .node = self_, .problem = std::move(problem)};
}

}  // namespace seshat
