// The order of effects and replies of one connection, whatever is in flight.
#include <gtest/gtest.h>

#include "seshat/commands/data_command.h"
#include "test_node.h"

namespace seshat {
namespace {

TEST(ConnectionPipelineTest, AWriteIsAnsweredAndReadBack) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"SET", "k", "v"}), "+OK\r\n");
  EXPECT_EQ(client.Run({"GET", "k"}), "$1\r\nv\r\n");
}

TEST(ConnectionPipelineTest, ConsecutiveWritesAreProposedTogether) {
  TestNode node;
  TestClient client(node);

  const std::string replies =
      client.Pipeline({{"SET", "k", "1"}, {"INCR", "k"}, {"PING"}, {"INCR", "k"}});

  EXPECT_EQ(replies, "+OK\r\n:2\r\n+PONG\r\n:3\r\n");
  EXPECT_EQ(node.group->batches, 1u);
}

TEST(ConnectionPipelineTest, ABatchOfRepliesIsSentAtOnce) {
  TestNode node;
  TestClient client(node);

  client.Pipeline({{"SET", "k", "1"}, {"INCR", "k"}, {"INCR", "k"}});

  EXPECT_EQ(client.sends, 1);
}

TEST(ConnectionPipelineTest, AReadSeesTheWriteBeforeItInThePipeline) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(
      client.Pipeline({{"GET", "k"}, {"SET", "k", "1"}, {"GET", "k"}, {"DEL", "k"}, {"GET", "k"}}),
      "$-1\r\n+OK\r\n$1\r\n1\r\n:1\r\n$-1\r\n");
}

TEST(ConnectionPipelineTest, AReadBehindAWriteWaitsForIt) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  EXPECT_EQ(client.Pipeline({{"SET", "k", "v"}, {"GET", "k"}}), "");
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "+OK\r\n$1\r\nv\r\n");
}

TEST(ConnectionPipelineTest, CommandsThatArriveBehindAStageKeepTheirOrder) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "1"});
  client.Run({"PING", "behind"});
  client.Run({"INCR", "k"});
  EXPECT_EQ(client.Received(), "");
  node.group->ApplyAll();
  node.loop.Run();
  EXPECT_EQ(client.Received(), "+OK\r\n$6\r\nbehind\r\n");
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(client.Received(), ":2\r\n");
}

TEST(ConnectionPipelineTest, ErrorsOfValidationKeepTheirPlaceAndAreNeverProposed) {
  TestNode node;
  TestClient client(node);

  const std::string replies = client.Pipeline(
      {{"SET", "k", "v"}, {"SET", "k"}, {"NOPE"}, {"INCRBY", "n", "x"}, {"SET", "k", "w"}});

  EXPECT_EQ(replies,
            "+OK\r\n-ERR wrong number of arguments for 'set' command\r\n"
            "-ERR unknown command 'NOPE', with args beginning with: \r\n"
            "-ERR value is not an integer or out of range\r\n+OK\r\n");
  EXPECT_EQ(node.group->machine->info()->commands_applied.load(), 2u);
}

TEST(ConnectionPipelineTest, RepliesAreEncodedWithTheVersionOfTheirTime) {
  TestNode node;
  TestClient client(node);
  node.group->has_lease = false;

  const std::string replies = client.Pipeline({{"GET", "k"}, {"HELLO", "3"}, {"GET", "k"}});

  EXPECT_TRUE(replies.starts_with("$-1\r\n%7\r\n")) << replies;
  EXPECT_TRUE(replies.ends_with("_\r\n")) << replies;
}

TEST(ConnectionPipelineTest, QuitAnswersWhatCameBeforeAndNothingAfter) {
  TestNode node;
  TestClient client(node);

  const std::string replies = client.Pipeline({{"SET", "k", "v"}, {"QUIT"}, {"SET", "k", "w"}});

  EXPECT_EQ(replies, "+OK\r\n+OK\r\n");
  EXPECT_TRUE(client.closed);
  EXPECT_EQ(node.group->machine->info()->commands_applied.load(), 1u);
}

TEST(ConnectionPipelineTest, AProtocolErrorIsAnsweredAfterWhatCameBefore) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "v"});
  client.handler->OnProtocolError("ERR Protocol error: invalid bulk length");
  EXPECT_FALSE(client.closed);
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "+OK\r\n-ERR Protocol error: invalid bulk length\r\n");
  EXPECT_TRUE(client.closed);
}

TEST(ConnectionPipelineTest, ReadingPausesWhileTooMuchIsInFlight) {
  ServiceOptions options;
  options.connection_commands_max = 3;
  TestNode node(options);
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Pipeline({{"INCR", "k"}, {"INCR", "k"}});
  EXPECT_TRUE(client.handler->WantsMore());
  client.Run({"INCR", "k"});
  EXPECT_FALSE(client.handler->WantsMore());
  EXPECT_EQ(client.handler->InFlight(), 3u);
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_TRUE(client.handler->WantsMore());
  EXPECT_EQ(client.resumes, 1);
}

TEST(ConnectionPipelineTest, AClosedConnectionLeavesWhatIsInFlightAlone) {
  TestNode node;
  TestClient client(node);
  node.group->applies_at_once = false;

  client.Run({"SET", "k", "v"});
  client.Disconnect();
  node.group->ApplyAll();
  node.loop.Run();

  TestClient other(node);
  EXPECT_EQ(other.Run({"GET", "k"}), "$1\r\nv\r\n");
  EXPECT_EQ(node.metrics.values["requests_in_flight{node_id=1}"], 0);
}

TEST(ConnectionPipelineTest, CompletionsOfSeveralConnectionsShareOneWakeUp) {
  TestNode node;
  TestClient one(node);
  TestClient two(node);
  node.group->applies_at_once = false;
  one.Run({"INCR", "k"});
  two.Run({"INCR", "k"});

  const std::size_t before = node.loop.posts();
  node.group->ApplyAll();
  const std::size_t posts = node.loop.posts() - before;
  node.loop.Run();

  EXPECT_EQ(posts, 1u);
  EXPECT_EQ(one.Received(), ":1\r\n");
  EXPECT_EQ(two.Received(), ":2\r\n");
}

TEST(ConnectionPipelineTest, RequestsAreCountedByCommandAndStatus) {
  TestNode node;
  TestClient client(node);

  client.Pipeline({{"SET", "k", "v"}, {"INCR", "k"}, {"NOPE"}});

  EXPECT_EQ(node.metrics.values["requests_total{node_id=1,command=SET,status=ok}"], 1);
  EXPECT_EQ(node.metrics.values["requests_total{node_id=1,command=INCR,status=error}"], 1);
  EXPECT_EQ(node.metrics.values["requests_total{node_id=1,command=UNKNOWN,status=error}"], 1);
  EXPECT_EQ(node.metrics.values["request_duration_seconds{node_id=1,command=SET}"], 1);
}

}  // namespace
}  // namespace seshat
