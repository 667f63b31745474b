#include "node_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "admin_questions.h"
#include "member_progress.h"
#include "seshat/admin/member_control.h"

namespace seshat {
namespace {

using Outcome = MemberAnswer::Outcome;

// Longer than a node takes to answer.
constexpr Duration kTimeout = std::chrono::seconds(15);
constexpr std::chrono::milliseconds kLookInterval{500};
constexpr Duration kLeaderWaitMax = std::chrono::seconds(5);
// A node that is silent for longer is given up.
constexpr Duration kSilenceMax = std::chrono::seconds(30);

// Waits for a leader as a client's command does: an election is no reason to ask again. Nor is an
// unknown outcome: to add or remove a member twice is to do it once.
Result<MemberAnswer> Post(const std::string& address, const std::string& path) {
  ProgressLine line;
  const auto give_up_at = std::chrono::steady_clock::now() + kLeaderWaitMax;
  bool may_be_done = false;
  while (true) {
    Result<MemberAnswer> answer =
        Understand(address, AdminPost(address, path, kTimeout), &ParseMemberAnswer);
    if (!answer) return answer;
    if (answer->outcome != Outcome::kFailed && answer->outcome != Outcome::kUnknown) return answer;
    may_be_done = may_be_done || answer->outcome == Outcome::kUnknown;
    if (std::chrono::steady_clock::now() >= give_up_at) {
      if (may_be_done) answer->outcome = Outcome::kUnknown;
      return answer;
    }
    line.Show({.text = "waiting for a leader: " + answer->problem, .done = std::nullopt});
    std::this_thread::sleep_for(kLookInterval);
  }
}

Result<MemberAnswer> PostAdd(const NodeCommandOptions& options, std::uint64_t node) {
  std::string path = fmt::format("/node/add?node={}", node);
  if (!options.internal_address.empty()) path += "&internal_addr=" + options.internal_address;
  return Post(options.address, path);
}

Result<MemberAnswer> PostRemove(const NodeCommandOptions& options) {
  return Post(options.address, fmt::format("/node/remove?node={}", options.node));
}

MemberAnswer Done(const StatusReport& status) {
  return {.outcome = Outcome::kDone, .node = status.node, .problem = ""};
}

// Shows how `node` comes along until `is_done`. Errors: the node at `address` is silent.
Result<MemberAnswer> Await(const std::string& address, NodeId node,
                           const std::function<bool(const StatusReport&)>& is_done) {
  ProgressLine line;
  auto heard_at = std::chrono::steady_clock::now();
  while (true) {
    const Result<StatusReport> status = AskStatus(address);
    const auto now = std::chrono::steady_clock::now();
    if (status) {
      heard_at = now;
      if (is_done(*status)) return Done(*status);
      line.Show(ProgressOf(*status, node));
    } else if (now - heard_at > kSilenceMax) {
      return std::unexpected(status.error());
    }
    std::this_thread::sleep_for(kLookInterval);
  }
}

// One change may have to wait for another: asks until it has its turn.
Result<MemberAnswer> AskUntilItsTurn(const std::function<Result<MemberAnswer>()>& ask) {
  ProgressLine line;
  while (true) {
    Result<MemberAnswer> answer = ask();
    if (!answer || answer->outcome != Outcome::kTryAgain) return answer;
    line.Show({.text = "waiting: " + answer->problem, .done = std::nullopt});
    std::this_thread::sleep_for(kLookInterval);
  }
}

// Where a removal is watched from: not from the node that goes, which stops.
std::string WatchAddress(const std::string& asked, NodeId leaving) {
  const Result<StatusReport> status = AskStatus(asked);
  if (!status || status->node != leaving) return asked;
  for (const MemberReport& member : status->members) {
    if (member.node != leaving && member.is_connected && !member.admin_address.empty()) {
      return member.admin_address;
    }
  }
  return asked;
}

Result<MemberAnswer> AwaitVoter(const std::string& address, NodeId node) {
  return Await(address, node, [node](const StatusReport& status) { return IsVoter(status, node); });
}

Result<MemberAnswer> AwaitGone(const std::string& address, NodeId node) {
  return Await(address, node,
               [node](const StatusReport& status) { return FindMember(status, node) == nullptr; });
}

// Prints the outcome; `good` says what is done. Gives the exit status.
int Conclude(std::string_view command, const NodeCommandOptions& options,
             const Result<MemberAnswer>& answer, const std::string& good) {
  if (!answer) {
    fmt::print(stderr, "{}", NobodyAnswered(command, "--admin", answer.error()));
    return 2;
  }
  const bool is_done = answer->outcome == Outcome::kDone;
  if (options.as_json) {
    fmt::print("{}", ToJson(*answer));
  } else if (is_done) {
    fmt::print("{}\n", good);
  }
  if (!is_done) {
    fmt::print(stderr, "seshat {}: {}{}\n", command,
               answer->outcome == Outcome::kUnknown ? "outcome unknown: " : "", answer->problem);
  }
  return is_done ? 0 : 1;
}

// How a node that was added is started, from the place where the cluster is asked.
std::string HowToJoin(const NodeCommandOptions& options, std::uint64_t node) {
  std::string member = "HOST:PORT";
  if (const Result<StatusReport> status = AskStatus(options.address)) {
    if (const MemberReport* const self = FindMember(*status, status->node)) {
      member = self->internal_address;
    }
  }
  return fmt::format("seshat serve --node-id {} --data-dir DIR --join {}", node, member);
}

}  // namespace

int RunNodeList(const NodeCommandOptions& options) {
  const Result<StatusReport> status = AskStatus(options.address);
  if (!status) {
    fmt::print(stderr, "{}", NobodyAnswered("node list", "--admin", status.error()));
    return 2;
  }
  if (options.as_json) {
    const auto json = nlohmann::ordered_json::parse(ToJson(*status));
    const nlohmann::ordered_json members = {{"nodes", json.at("nodes")},
                                            {"removed_nodes", json.at("removed_nodes")}};
    fmt::print("{}\n", members.dump(2));
  } else {
    fmt::print("{}", ToMemberTable(*status));
  }
  return 0;
}

int RunNodeAdd(const NodeCommandOptions& options) {
  Result<MemberAnswer> answer = PostAdd(options, options.node);
  std::string good =
      fmt::format("node {} may join: {}", options.node, HowToJoin(options, options.node));
  if (answer && answer->outcome == Outcome::kDone && options.waits) {
    answer = AwaitVoter(options.address, NodeId(options.node));
    good = fmt::format("node {} is a voter of every group", options.node);
  }
  return Conclude("node add", options, answer, good);
}

int RunNodeRemove(const NodeCommandOptions& options) {
  const NodeId node(options.node);
  const std::string watched = WatchAddress(options.address, node);
  Result<MemberAnswer> answer = PostRemove(options);
  if (answer && answer->outcome == Outcome::kDone) answer = AwaitGone(watched, node);
  return Conclude("node remove", options, answer,
                  fmt::format("node {} is no member any more", options.node));
}

int RunNodeReplace(const NodeCommandOptions& options) {
  const NodeId goes(options.node);
  const NodeId comes(options.by);
  const auto replace = [&]() -> Result<MemberAnswer> {
    const Result<StatusReport> status = AskStatus(options.address);
    if (!status) return std::unexpected(status.error());
    if (goes == comes || FindMember(*status, goes) == nullptr) {
      return MemberAnswer{.outcome = Outcome::kRefused,
                          .node = status->node,
                          .problem = fmt::format("node {} is not a member, or replaced by itself: "
                                                 "allowed: a member, and a new id",
                                                 options.node)};
    }
    Result<MemberAnswer> answer = AskUntilItsTurn([&] { return PostAdd(options, options.by); });
    if (!answer || answer->outcome != Outcome::kDone) return answer;
    const MemberReport* const newcomer = FindMember(*status, comes);
    if (newcomer == nullptr || newcomer->admin_address.empty()) {
      fmt::print(stderr, "start node {} now, if it is not running: {}\n", options.by,
                 HowToJoin(options, options.by));
    }
    const std::string watched = WatchAddress(options.address, goes);
    answer = AwaitVoter(watched, comes);
    if (!answer) return answer;
    answer = AskUntilItsTurn([&] { return PostRemove(options); });
    if (!answer || answer->outcome != Outcome::kDone) return answer;
    return AwaitGone(watched, goes);
  };
  return Conclude("node replace", options, replace(),
                  fmt::format("node {} has taken the place of node {}", options.by, options.node));
}

}  // namespace seshat
