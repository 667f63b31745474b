// How reads are served: by lease from memory, by a read index, from the disk, and of keys that are
// due.
#include <gtest/gtest.h>

#include "seshat/commands/data_command.h"
#include "test_node.h"

namespace seshat {
namespace {

std::string Client(std::initializer_list<std::string_view> arguments) {
  return EncodeClientCommand(std::vector<std::string_view>(arguments));
}

TEST(ReadsTest, UnderALeaseNothingIsAskedAndNothingIsHandedOver) {
  TestNode node;
  TestClient client(node);
  node.group->grants_at_once = false;

  const std::size_t before = node.loop.posts();
  EXPECT_EQ(client.Pipeline({{"GET", "k"}, {"EXISTS", "k"}, {"DBSIZE"}}), "$-1\r\n:0\r\n:0\r\n");

  EXPECT_EQ(node.loop.posts(), before);
  EXPECT_TRUE(node.group->reads.empty());
}

TEST(ReadsTest, AReadWaitsForAReplicaThatIsBeingOpened) {
  TestNode node({}, /*has_replica=*/false);
  TestClient client(node);

  EXPECT_EQ(client.Run({"GET", "k"}), "");
  node.AddReplica();
  node.loop.Advance(std::chrono::milliseconds(20));

  EXPECT_EQ(client.Received(), "$-1\r\n");
}

TEST(ReadsTest, AReadDoesNotWaitForAReplicaForEver) {
  TestNode node({}, /*has_replica=*/false);
  TestClient client(node);

  client.Run({"GET", "k"});
  node.loop.Advance(std::chrono::seconds(6));

  EXPECT_EQ(client.Received(), "-CLUSTERDOWN this node has no replica of shard 1 yet\r\n");
}

TEST(ReadsTest, WithoutALeaseReadsShareOneReadIndex) {
  TestNode node;
  TestClient client(node);
  node.group->has_lease = false;
  node.group->grants_at_once = false;

  EXPECT_EQ(client.Pipeline({{"GET", "k"}, {"STRLEN", "k"}}), "");
  EXPECT_EQ(node.group->reads.size(), 1u);
  node.group->ApplyFromElsewhere(Client({"SET", "k", "v"}));
  node.group->GrantReads();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "$1\r\nv\r\n:1\r\n");
}

TEST(ReadsTest, QuorumModeNeverUsesTheLease) {
  ServiceOptions options;
  options.read_mode = ReadMode::kQuorum;
  TestNode node(options);
  TestClient client(node);
  node.group->grants_at_once = false;

  client.Run({"GET", "k"});

  EXPECT_EQ(node.group->reads.size(), 1u);
}

TEST(ReadsTest, StaleModeAsksNobody) {
  ServiceOptions options;
  options.read_mode = ReadMode::kStale;
  TestNode node(options);
  TestClient client(node);
  node.group->leader = kNoNode;

  EXPECT_EQ(client.Run({"GET", "k"}), "$-1\r\n");
}

TEST(ReadsTest, AReadBehindAReadThatWaitsDoesNotOvertakeIt) {
  TestNode node;
  TestClient client(node);
  node.group->has_lease = false;
  node.group->grants_at_once = false;

  client.Run({"GET", "k"});
  node.group->has_lease = true;
  client.Run({"GET", "k"});
  EXPECT_EQ(client.Received(), "");
  node.group->GrantReads();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "$-1\r\n$-1\r\n");
}

TEST(ReadsTest, WhatIsNotInMemoryIsReadOnThePool) {
  TestNode node;
  TestClient client(node);
  client.Pipeline({{"SET", "a", "1"}, {"SET", "b", "2"}});

  node.store.SetCold(true);

  EXPECT_EQ(client.Pipeline({{"GET", "a"}, {"MGET", "a", "b", "c"}, {"PING"}}),
            "$1\r\n1\r\n*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n+PONG\r\n");
}

TEST(ReadsTest, AReadWaitsForALeaderAndThenAsks) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kNoNode;
  node.group->grants_at_once = false;

  client.Run({"GET", "k"});
  node.group->RefuseReads(Error(ErrorCode::kUnavailable, "no leader known"));
  node.loop.Advance(std::chrono::milliseconds(20));
  EXPECT_EQ(node.group->reads.size(), 1u);
  node.group->GrantReads();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "$-1\r\n");
}

TEST(ReadsTest, WithoutALeaderForTooLongAReadFails) {
  TestNode node;
  TestClient client(node);
  node.group->leader = kNoNode;
  node.group->grants_at_once = false;

  client.Run({"GET", "k"});
  for (int i = 0; i < 600; ++i) {
    node.group->RefuseReads(Error(ErrorCode::kUnavailable, "no leader known"));
    node.loop.Advance(std::chrono::milliseconds(10));
  }

  EXPECT_EQ(client.Received(), "-CLUSTERDOWN no leader known\r\n");
}

TEST(ReadsTest, ATtlIsJudgedByTheLeadersTime) {
  TestNode node;
  TestClient client(node);

  client.Run({"SET", "k", "v", "PX", "10000"});
  node.loop.Advance(std::chrono::milliseconds(2500));

  EXPECT_EQ(client.Run({"PTTL", "k"}), ":7500\r\n");
}

TEST(ReadsTest, OnAFollowerAReadOfADueKeyWaitsForTheLeadersEvent) {
  TestNode node;
  TestClient client(node);
  node.group->leader = NodeId(2);
  node.group->ApplyFromElsewhere(Client({"SET", "k", "v", "PX", "50"}));
  const UnixMillis due{node.loop.WallNow().value + 50};
  node.loop.Advance(std::chrono::milliseconds(60));

  EXPECT_EQ(client.Run({"GET", "k"}), "");
  const ExpiringKey expiring{.key = "k", .expires_at = due, .revision = Revision(1)};
  node.group->ApplyFromElsewhere(EncodeExpireKeys(std::span(&expiring, 1)));
  node.loop.Run();

  EXPECT_EQ(client.Received(), "$-1\r\n");
  EXPECT_EQ(node.group->batches, 0u);
}

TEST(ReadsTest, AKeyWhoseExpiryNeverComesGivesAnErrorInTheEnd) {
  TestNode node;
  TestClient client(node);
  node.group->leader = NodeId(2);
  node.group->ApplyFromElsewhere(Client({"SET", "k", "v", "PX", "50"}));
  node.loop.Advance(std::chrono::milliseconds(60));

  client.Run({"GET", "k"});
  node.loop.Advance(std::chrono::seconds(31));

  EXPECT_EQ(client.Received(), "-CLUSTERDOWN not possible within 30 s\r\n");
}

TEST(ReadsTest, AKeyspaceThatCannotBeReadStopsTheNode) {
  TestNode node;
  TestClient client(node);

  node.store.FailReads(Error(ErrorCode::kCorruption, "bad checksum"));
  client.Run({"GET", "k"});

  ASSERT_TRUE(node.fatal.stopped.has_value());
  EXPECT_EQ(node.fatal.stopped->code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace seshat
