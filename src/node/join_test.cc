// Both ends of a join: what a member answers, and how the node that joins goes on asking.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "join_attempts.h"
#include "join_requests.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;

ClusterMember Newcomer() {
  ClusterMember node;
  node.id = NodeId(4);
  node.internal_address = "host-4:7379";
  return node;
}

PeerHello HelloOfNewcomer() {
  PeerHello hello;
  hello.node_id = NodeId(4);
  hello.identity.store_id = "s4";
  return hello;
}

struct JoinRequestsTest : ::testing::Test {
  JoinRequestsTest() {
    ClusterMember self;
    self.id = NodeId(1);
    cluster.Publish(InitialClusterState("cluster", {self}, {}));
  }

  JoinReply Ask(bool has_secret, Result<Reply> decision) {
    JoinRequests requests(NodeId(1), has_secret, cluster,
                          [&](std::string command, UniqueFunction<void(Result<Reply>)> done) {
                            proposed = std::move(command);
                            done(std::move(decision));
                          });
    std::string answer;
    requests.OnJoin(HelloOfNewcomer(), EncodeJoinRequest(request),
                    [&](std::string bytes) { answer = std::move(bytes); });
    return DecodeJoinReply(answer).value();
  }

  ClusterStateSource cluster;
  ClusterMember request = Newcomer();
  std::string proposed;
};

TEST_F(JoinRequestsTest, WhoHasProvenTheSecretIsAddedAsTheHandshakeSays) {
  request.id = NodeId(9);
  request.store_id = "another";
  request.feature_level_max = FeatureLevel(kFeatureLevelMax.value() + 1);
  request.is_leaving = true;

  const JoinReply reply = Ask(true, Reply::Ok());

  ClusterMember added = Newcomer();
  added.store_id = "s4";
  added.feature_level_max = kFeatureLevelMax;
  EXPECT_EQ(proposed, EncodeAddNode(added));
  EXPECT_EQ(reply.refusal, "");
  EXPECT_EQ(reply.cluster_id, "cluster");
  EXPECT_EQ(reply.members, cluster.Get()->members);
}

TEST_F(JoinRequestsTest, WithoutASecretTheNodeMustBeKnown) {
  const JoinReply reply = Ask(false, Reply::Error("ERR node 4 is not a member of this cluster"));

  ClusterMember reported = Newcomer();
  reported.store_id = "s4";
  reported.feature_level_max = kFeatureLevelMax;
  EXPECT_EQ(proposed, EncodeRegisterNode(reported));
  EXPECT_THAT(reply.refusal, HasSubstr("`seshat node add 4` first"));
  EXPECT_TRUE(reply.is_permanent);
}

TEST_F(JoinRequestsTest, OnlyWhatMayChangeByItselfIsForNow) {
  EXPECT_TRUE(Ask(true, Reply::Error("ERR taken")).is_permanent);
  EXPECT_FALSE(Ask(true, Reply::Error(std::string(kTryAgain) + "busy")).is_permanent);
  EXPECT_FALSE(Ask(true, MakeError(ErrorCode::kUnavailable, "no leader")).is_permanent);
}

TEST_F(JoinRequestsTest, ANodeWithoutAClusterSendsTheStrangerAway) {
  ClusterStateSource nothing;
  JoinRequests requests(NodeId(1), true, nothing, [](auto, auto) { ADD_FAILURE() << "proposed"; });
  std::string answer;

  requests.OnJoin(HelloOfNewcomer(), EncodeJoinRequest(Newcomer()),
                  [&](std::string bytes) { answer = std::move(bytes); });

  const JoinReply reply = DecodeJoinReply(answer).value();
  EXPECT_THAT(reply.refusal, HasSubstr("not part of a cluster yet"));
  EXPECT_FALSE(reply.is_permanent);
}

TEST_F(JoinRequestsTest, AQuestionThatDoesNotDecodeIsRefused) {
  JoinRequests requests(NodeId(1), true, cluster, [](auto, auto) { ADD_FAILURE() << "proposed"; });
  std::string answer;

  requests.OnJoin(HelloOfNewcomer(), "\xff\xff",
                  [&](std::string bytes) { answer = std::move(bytes); });

  EXPECT_TRUE(DecodeJoinReply(answer).value().is_permanent);
}

class SetClock final : public Clock {
 public:
  MonotonicTime Now() const override { return now; }
  UnixMillis WallNow() const override { return {}; }

  MonotonicTime now{std::chrono::hours(1)};
};

// Runs what it is given when it is told to.
class QueueExecutor final : public Executor {
 public:
  void Post(UniqueFunction<void()> task) override { tasks_.push_back(std::move(task)); }
  void PostAt(MonotonicTime /*when*/, UniqueFunction<void()> task) override {
    Post(std::move(task));
  }
  void RunAll() {
    while (!tasks_.empty()) {
      UniqueFunction<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }

 private:
  std::deque<UniqueFunction<void()>> tasks_;
};

struct JoinAttemptsTest : ::testing::Test {
  JoinAttemptsTest()
      : attempts(
            "host-1:7379",
            [this](const std::string&, MonotonicTime,
                   UniqueFunction<void(Result<std::string>)> done) {
              asked.push_back(std::move(done));
            },
            executor, clock) {}

  Result<std::optional<JoinReply>> Round() { return attempts.Round(Newcomer()); }
  void Answer(Result<std::string> answer) {
    asked.back()(std::move(answer));
    executor.RunAll();
  }
  void LetThePauseEnd() { clock.now = clock.now + std::chrono::seconds(1); }

  SetClock clock;
  QueueExecutor executor;
  std::vector<UniqueFunction<void(Result<std::string>)>> asked;
  JoinAttempts attempts;
};

TEST_F(JoinAttemptsTest, OneQuestionAtATimeAndAPauseBetween) {
  Round();
  Round();
  EXPECT_EQ(asked.size(), 1u);
  Answer(MakeError(ErrorCode::kUnavailable, "nobody there"));
  EXPECT_EQ(attempts.problem(), "nobody there");
  Round();
  EXPECT_EQ(asked.size(), 1u);

  LetThePauseEnd();

  EXPECT_EQ(Round().value(), std::nullopt);
  EXPECT_EQ(asked.size(), 2u);
}

TEST_F(JoinAttemptsTest, OnceLetInItAsksNoMore) {
  const JoinReply welcome{
      .refusal = "", .is_permanent = false, .cluster_id = "cluster", .members = {Newcomer()}};
  Round();
  Answer(EncodeJoinReply(welcome));
  LetThePauseEnd();

  EXPECT_EQ(Round().value(), welcome);
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(JoinAttemptsTest, ARefusalForNowIsAskedAgain) {
  Round();
  Answer(
      EncodeJoinReply({.refusal = "busy", .is_permanent = false, .cluster_id = {}, .members = {}}));
  LetThePauseEnd();

  EXPECT_TRUE(Round().has_value());

  EXPECT_EQ(asked.size(), 2u);
  EXPECT_EQ(attempts.problem(), "busy");
}

TEST_F(JoinAttemptsTest, ARefusalForGoodIsAnErrorThatSaysWhyAndWhere) {
  Round();
  Answer(
      EncodeJoinReply({.refusal = "taken", .is_permanent = true, .cluster_id = {}, .members = {}}));

  const auto refused = Round();

  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(refused.error().message(), "join = \"host-1:7379\": this node may not join: taken");
}

TEST_F(JoinAttemptsTest, AHandshakeThatNeedsAnOperatorIsForGoodToo) {
  Round();
  Answer(MakeError(ErrorCode::kPermissionDenied, "different cluster secrets"));

  EXPECT_FALSE(Round().has_value());
}

TEST_F(JoinAttemptsTest, AnAnswerThatDoesNotDecodeIsAskedForAgain) {
  Round();
  Answer(std::string("\xff\xff"));
  LetThePauseEnd();

  EXPECT_TRUE(Round().has_value());
  EXPECT_EQ(asked.size(), 2u);
}

}  // namespace
}  // namespace seshat
