#include "leader_transfers.h"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "seshat/admin/group_names.h"
#include "seshat/node/log.h"

namespace seshat {
namespace {

using Outcome = TransferAnswer::Outcome;

// A transfer ends by itself before that; but not in a node that has failed.
constexpr Duration kTransferMax = std::chrono::seconds(8);
constexpr Duration kPollInterval = std::chrono::milliseconds(5);

bool Leads(const GroupDriver& driver) {
  return driver.view().is_leader.load(std::memory_order_acquire);
}

NodeId LeaderOf(const GroupDriver& driver) {
  return NodeId(driver.view().leader.load(std::memory_order_acquire));
}

// Waits for the driver's own word; nothing when it does not come in time.
std::optional<Status> RunTransfer(GroupDriver& driver, NodeId to) {
  const auto word = std::make_shared<std::promise<Status>>();
  std::future<Status> result = word->get_future();
  driver.TransferLeadership(to, [word](Status status) { word->set_value(std::move(status)); });
  if (result.wait_for(kTransferMax) != std::future_status::ready) return std::nullopt;
  return result.get();
}

}  // namespace

TransferAnswer LeaderTransfers::Transfer(GroupId group, NodeId to) {
  const std::shared_ptr<GroupDriver> driver = ports_.groups->Find(group);
  if (driver == nullptr) {
    return Answer(Outcome::kRefused, group, kNoNode,
                  fmt::format("node {} has no group {}", self_.value(), GroupName(group)));
  }
  if (!Leads(*driver)) return PointToLeader(group, LeaderOf(*driver));
  if (is_busy_.exchange(true)) {
    return Answer(
        Outcome::kRefused, group, self_,
        fmt::format("another transfer is under way on node {}: try again", self_.value()));
  }
  TransferAnswer answer = HandOver(*driver, group, to);
  is_busy_ = false;
  Log(LogLevel::kInfo, "node",
      answer.outcome == Outcome::kDone ? "handed leadership over on request"
                                       : "could not hand leadership over on request",
      {{"group", group.value()},
       {"to", to.value()},
       {"leader", answer.leader.value()},
       {"reason", answer.problem}});
  return answer;
}

TransferAnswer LeaderTransfers::HandOver(GroupDriver& driver, GroupId group, NodeId to) {
  const MonotonicTime end = ports_.clock->Now() + kTransferMax;
  const std::optional<Status> result = RunTransfer(driver, to);
  if (!result.has_value()) {
    return Answer(Outcome::kFailed, group, LeaderOf(driver), "the transfer did not end in time");
  }
  if (!*result) {
    if (!Leads(driver)) return PointToLeader(group, LeaderOf(driver));
    const Error& error = result->error();
    const bool is_refusal = error.code() == ErrorCode::kInvalidArgument ||
                            error.code() == ErrorCode::kFailedPrecondition;
    return Answer(is_refusal ? Outcome::kRefused : Outcome::kFailed, group, self_, error.message());
  }
  const NodeId leader = AwaitSuccessor(driver, end);
  if (leader == kNoNode) {
    return Answer(
        Outcome::kFailed, group, kNoNode,
        fmt::format("node {} leads no more, and who does is not known yet", self_.value()));
  }
  if (to != kNoNode && leader != to) {
    return Answer(Outcome::kFailed, group, leader,
                  fmt::format("node {} leads now, not node {}", leader.value(), to.value()));
  }
  return Answer(Outcome::kDone, group, leader, "");
}

NodeId LeaderTransfers::AwaitSuccessor(const GroupDriver& driver, MonotonicTime end) const {
  while (true) {
    const NodeId leader = LeaderOf(driver);
    if (leader != kNoNode && leader != self_) return leader;
    if (ports_.clock->Now() >= end) return kNoNode;
    std::this_thread::sleep_for(kPollInterval);
  }
}

TransferAnswer LeaderTransfers::PointToLeader(GroupId group, NodeId leader) const {
  if (leader == kNoNode || leader == self_) {
    return Answer(
        Outcome::kFailed, group, kNoNode,
        fmt::format("node {} knows no leader of group {}", self_.value(), GroupName(group)));
  }
  TransferAnswer answer = Answer(Outcome::kNotLeader, group, leader,
                                 fmt::format("node {} leads group {}, not node {}", leader.value(),
                                             GroupName(group), self_.value()));
  const std::shared_ptr<const ClusterState> state = ports_.cluster->Get();
  if (const ClusterMember* member = state->FindMember(leader)) {
    answer.leader_admin_address = member->admin_address;
  }
  return answer;
}

TransferAnswer LeaderTransfers::Answer(Outcome outcome, GroupId group, NodeId leader,
                                       std::string problem) const {
  return {.outcome = outcome,
          .group = group,
          .node = self_,
          .leader = leader,
          .leader_admin_address = "",
          .problem = std::move(problem)};
}

}  // namespace seshat
