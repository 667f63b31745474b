// A node that is no member asks another one, whose address is all it knows, to let it in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "transport_test_node.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;

// Node 1 wants to join; node 2 is in a cluster.
struct JoinCallTest : ::testing::Test {
  JoinCallTest() {
    joiner.identity.cluster_id.clear();
    joiner.identity.bootstrap_hash = "joining";
    member.options.on_join = [](const PeerHello& from, std::string request,
                                RecordingHandler::Reply reply) {
      reply(std::to_string(from.node_id.value()) + " " + from.identity.store_id + " " + request);
    };
  }

  std::future<Result<std::string>> Ask(const std::string& address,
                                       Duration within = std::chrono::seconds(20)) {
    std::promise<Result<std::string>> promise;
    auto answer = promise.get_future();
    joiner.transport->AskToJoin(address, "let me in", joiner.clock.Now() + within,
                                [done = std::move(promise)](Result<std::string> result) mutable {
                                  done.set_value(std::move(result));
                                });
    return answer;
  }
  // Node 2 hears questions, and answers none.
  void KeepAnswers() {
    member.options.on_join = [this](const PeerHello&, std::string, RecordingHandler::Reply reply) {
      kept.push_back(std::move(reply));
    };
  }
  Error Refusal() {
    joiner.Start();
    member.Start();
    const Result<std::string> answer = Ask(member.address()).get();
    return answer ? Error(ErrorCode::kNotFound, "it was let in") : answer.error();
  }

  std::vector<RecordingHandler::Reply> kept;  // outlives the nodes
  TestNode joiner{1};
  TestNode member{2};
};

TEST_F(JoinCallTest, AStrangerIsAnsweredWithoutKnowingIdOrCluster) {
  member.policy.RefuseStore("store-1", Error(ErrorCode::kPermissionDenied, "no member"));
  joiner.Start();
  member.Start();

  const Result<std::string> answer = Ask(member.address()).get();

  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(*answer, "1 store-1 let me in");
}

TEST_F(JoinCallTest, ItMayAskAgain) {
  joiner.Start();
  member.Start();

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Ask(member.address()).get().has_value());
}

TEST_F(JoinCallTest, WithoutTheSecretNobodyIsAsked) {
  member.options.cluster_secret = std::string(32, 's');

  const Error why = Refusal();

  EXPECT_EQ(why.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(why.message(), HasSubstr("node 2 has a cluster secret and node 1 has none"));
}

TEST_F(JoinCallTest, ANodeOfAnotherClusterIsRefused) {
  joiner.identity.cluster_id = "another";

  const Error why = Refusal();

  EXPECT_EQ(why.code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(why.message(), HasSubstr("belongs to another cluster"));
}

TEST_F(JoinCallTest, ANodeWithTheIdOfTheOneItAsksIsRefused) {
  joiner.options.node_id = member.id;

  EXPECT_THAT(Refusal().message(), HasSubstr("two nodes have the id 2"));
}

TEST_F(JoinCallTest, ANodeThatLetsNobodyJoinSaysSo) {
  member.options.on_join = nullptr;

  EXPECT_THAT(Refusal().message(), HasSubstr("nobody can join at this node"));
}

TEST_F(JoinCallTest, AQuestionWithoutAnswerEndsAtItsDeadline) {
  KeepAnswers();
  joiner.Start();
  member.Start();

  const Result<std::string> answer = Ask(member.address(), std::chrono::milliseconds(100)).get();

  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message(), HasSubstr("no answer in time"));
}

TEST_F(JoinCallTest, TheNextQuestionAndTheEndGiveUpTheOneBefore) {
  KeepAnswers();
  joiner.Start();
  member.Start();

  auto first = Ask(member.address());
  auto second = Ask(member.address());
  EXPECT_THAT(first.get().error().message(), HasSubstr("given up for another question"));
  joiner.transport->Stop();

  EXPECT_THAT(second.get().error().message(), HasSubstr("this node is stopping"));
  EXPECT_THAT(Ask(member.address()).get().error().message(), HasSubstr("this node is stopping"));
}

TEST_F(JoinCallTest, NobodyThereIsUnavailable) {
  joiner.Start();
  member.Start();
  const std::string address = member.address();
  member.transport->Stop();

  EXPECT_EQ(Ask(address).get().error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace seshat
