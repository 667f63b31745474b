#include "member_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <set>
#include <thread>

#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

using Outcome = MemberAnswer::Outcome;
using ::testing::HasSubstr;

// Node 1 of three, all of them voters.
struct MemberRequestsTest : ::testing::Test {
  MemberRequestsTest() {
    std::vector<ClusterMember> members;
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ClusterMember member;
      member.id = NodeId(id);
      members.push_back(member);
    }
    cluster.Publish(InitialClusterState("cluster", members, {}));
  }

  MemberRequests Requests(Duration wait_max = std::chrono::seconds(30)) {
    return MemberRequests(
        NodeId(1),
        {.cluster = &cluster,
         .is_connected = [this](NodeId peer) { return connected.contains(peer); },
         .propose =
             [this](std::string command, UniqueFunction<void(Result<Reply>)> done) {
               proposed = std::move(command);
               if (decision) done(*decision);
             }},
        wait_max);
  }

  ClusterStateSource cluster;
  std::set<NodeId> connected{NodeId(2), NodeId(3)};
  std::optional<Result<Reply>> decision = Reply::Ok();
  std::string proposed;
};

TEST_F(MemberRequestsTest, TheClusterDecides) {
  EXPECT_EQ(Requests().Add(NodeId(4), "host:7379").outcome, Outcome::kDone);
  ClusterMember added;
  added.id = NodeId(4);
  added.internal_address = "host:7379";
  EXPECT_EQ(proposed, EncodeAddNode(added));

  EXPECT_EQ(Requests().Remove(NodeId(3)).outcome, Outcome::kDone);
  EXPECT_EQ(proposed, EncodeRemoveNode(NodeId(3)));
}

TEST_F(MemberRequestsTest, WhateverWasDecidedTheNextRequestIsHeard) {
  MemberRequests requests = Requests(std::chrono::milliseconds(1));
  decision.reset();
  EXPECT_EQ(requests.Add(NodeId(4), "").outcome, Outcome::kUnknown);
  decision = MakeError(ErrorCode::kUnavailable, "no leader");
  EXPECT_EQ(requests.Add(NodeId(4), "").outcome, Outcome::kFailed);
  decision = Reply::Ok();
  EXPECT_EQ(requests.Add(NodeId(4), "").outcome, Outcome::kDone);

  EXPECT_EQ(requests.Remove(NodeId(4)).outcome, Outcome::kDone);
}

TEST_F(MemberRequestsTest, EachKindOfRefusalIsToldApart) {
  decision = Reply::Error("ERR taken");
  const MemberAnswer refused = Requests().Add(NodeId(4), "");
  EXPECT_EQ(refused.outcome, Outcome::kRefused);
  EXPECT_EQ(refused.problem, "taken");
  EXPECT_EQ(refused.node, NodeId(1));

  decision = Reply::Error(std::string(kTryAgain) + "busy");
  EXPECT_EQ(Requests().Add(NodeId(4), "").outcome, Outcome::kTryAgain);
  EXPECT_EQ(Requests().Add(NodeId(4), "").problem, "busy");
  decision = MakeError(ErrorCode::kUnavailable, "no leader");
  EXPECT_EQ(Requests().Add(NodeId(4), "").outcome, Outcome::kFailed);
  decision = MakeError(ErrorCode::kOutcomeUnknown, "the leader is gone");
  EXPECT_EQ(Requests().Add(NodeId(4), "").outcome, Outcome::kUnknown);
}

TEST_F(MemberRequestsTest, ADecisionThatDoesNotComeIsUnknown) {
  decision.reset();

  EXPECT_EQ(Requests(std::chrono::milliseconds(1)).Add(NodeId(4), "").outcome, Outcome::kUnknown);
}

TEST_F(MemberRequestsTest, OneCallerWaitsAtATime) {
  std::promise<void> is_waiting;
  std::optional<UniqueFunction<void(Result<Reply>)>> held;
  MemberRequests requests(NodeId(1),
                          {.cluster = &cluster,
                           .is_connected = [](NodeId) { return true; },
                           .propose =
                               [&](const std::string&, UniqueFunction<void(Result<Reply>)> done) {
                                 held = std::move(done);
                                 is_waiting.set_value();
                               }});
  std::thread first([&] { EXPECT_EQ(requests.Add(NodeId(4), "").outcome, Outcome::kDone); });
  is_waiting.get_future().wait();

  EXPECT_EQ(requests.Add(NodeId(5), "").outcome, Outcome::kTryAgain);

  (*held)(Reply::Ok());
  first.join();
}

TEST_F(MemberRequestsTest, AnAddressThatIsNoneIsRefused) {
  for (const char* address : {"host", "host:0", "host:x", ":1"}) {
    const MemberAnswer answer = Requests().Add(NodeId(4), address);

    EXPECT_EQ(answer.outcome, Outcome::kRefused) << address;
    EXPECT_THAT(answer.problem, HasSubstr("allowed: HOST:PORT")) << address;
  }
  EXPECT_EQ(proposed, "");
}

TEST_F(MemberRequestsTest, AMemberIsNotRemovedWhereNoMajorityOfTheRestCanBeReached) {
  connected = {NodeId(2)};

  const MemberAnswer answer = Requests().Remove(NodeId(2));

  EXPECT_EQ(answer.outcome, Outcome::kRefused);
  EXPECT_EQ(answer.problem,
            "without node 2 the cluster would have 2 voters, and node 1 cannot reach 1 of them "
            "(node 3): no majority; allowed: bring them back, or remove or replace them first");
  EXPECT_EQ(proposed, "");
}

TEST_F(MemberRequestsTest, WhoIsMissingMayBeRemoved) {
  connected = {NodeId(2)};

  EXPECT_EQ(Requests().Remove(NodeId(3)).outcome, Outcome::kDone);
}

}  // namespace
}  // namespace seshat
