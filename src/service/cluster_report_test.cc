// CLUSTER as cluster clients read it, and the routing behind it.
#include "cluster_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seshat/commands/command_table.h"
#include "test_node.h"

namespace seshat {
namespace {

using testing::HasSubstr;

std::string Name(std::uint64_t node) {
  return ClusterNodeName(std::string(16, '\x5e'), NodeId(node));
}

TEST(ClusterReportTest, ANodesNameIsFortyHexDigits) {
  EXPECT_EQ(Name(2), "5e5e5e5e5e5e5e5e5e5e5e5e0000000000000002");
}

TEST(ClusterReportTest, SlotsListsTheLeaderFirstAndEveryOtherNodeAsReplica) {
  TestNode node;
  TestClient client(node);
  node.group->leader = NodeId(2);

  const auto entry = [](std::uint64_t id) {
    return "*4\r\n$8\r\n10.0.0." + std::to_string(id) + "\r\n:6379\r\n$40\r\n" + Name(id) +
           "\r\n*0\r\n";
  };
  EXPECT_EQ(client.Run({"CLUSTER", "SLOTS"}),
            "*1\r\n*5\r\n:0\r\n:16383\r\n" + entry(2) + entry(1) + entry(3));
}

TEST(ClusterReportTest, NodesHasALineForEachAndTheSlotsAtTheLeader) {
  TestNode node;
  TestClient client(node);
  node.group->leader = NodeId(2);

  const std::string nodes = client.Run({"CLUSTER", "NODES"});

  EXPECT_THAT(nodes, HasSubstr(Name(1) + " 10.0.0.1:6379@7379 myself,slave " + Name(2) +
                               " 0 0 7 connected\n"));
  EXPECT_THAT(nodes, HasSubstr(Name(2) + " 10.0.0.2:6379@7379 master - 0 0 7 connected 0-16383\n"));
  EXPECT_THAT(nodes,
              HasSubstr(Name(3) + " 10.0.0.3:6379@7379 slave " + Name(2) + " 0 0 7 connected\n"));
}

TEST(ClusterReportTest, ReplicasHasTheLinesOfThoseThatFollowTheLeader) {
  TestNode node;
  TestClient client(node);
  node.group->leader = NodeId(2);
  const auto line = [](std::uint64_t id, std::string_view flags) {
    const std::string host = "10.0.0." + std::to_string(id);
    return Name(id) + " " + host + ":6379@7379 " + std::string(flags) + " " + Name(2) +
           " 0 0 7 connected";
  };
  const std::string first = line(1, "myself,slave");
  const std::string third = line(3, "slave");

  for (const char* subcommand : {"REPLICAS", "slaves"}) {
    EXPECT_EQ(client.Run({"CLUSTER", subcommand, Name(2)}),
              "*2\r\n$" + std::to_string(first.size()) + "\r\n" + first + "\r\n$" +
                  std::to_string(third.size()) + "\r\n" + third + "\r\n");
  }
}

TEST(ClusterReportTest, ReplicasOfWhatLeadsNothingIsRedisesError) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"CLUSTER", "REPLICAS", Name(3)}),
            "-ERR The specified node is not a master\r\n");
  EXPECT_EQ(client.Run({"CLUSTER", "REPLICAS", "abc"}), "-ERR Unknown node abc\r\n");
}

TEST(ClusterReportTest, ShardsHasRolesAndHealth) {
  TestNode node;
  TestClient client(node);

  const std::string shards = client.Run({"CLUSTER", "SHARDS"});

  EXPECT_TRUE(
      shards.starts_with("*1\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:16383\r\n$5\r\nnodes"
                         "\r\n*3\r\n*14\r\n$2\r\nid\r\n$40\r\n" +
                         Name(1)))
      << shards;
  EXPECT_THAT(shards, HasSubstr("$4\r\nrole\r\n$7\r\nreplica\r\n"));
}

TEST(ClusterReportTest, WithoutALeaderTheStateIsFailButEverySlotStillHasANode) {
  TestNode node;
  TestClient client(node);
  EXPECT_THAT(client.Run({"CLUSTER", "INFO"}), HasSubstr("cluster_state:ok\r\n"));

  node.group->leader = kNoNode;

  const std::string info = client.Run({"CLUSTER", "INFO"});
  EXPECT_THAT(info, HasSubstr("cluster_state:fail\r\ncluster_slots_assigned:16384\r\n"
                              "cluster_slots_ok:0\r\n"));
  EXPECT_THAT(info, HasSubstr("cluster_known_nodes:3\r\ncluster_size:1\r\n"));
  EXPECT_THAT(client.Run({"CLUSTER", "SLOTS"}), HasSubstr("10.0.0.1"));
}

TEST(ClusterReportTest, MyIdAndKeySlot) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"CLUSTER", "MYID"}), "$40\r\n" + Name(1) + "\r\n");
  EXPECT_EQ(client.Run({"CLUSTER", "KEYSLOT", "foo{hash_tag}"}), ":2515\r\n");
}

TEST(RouterTest, KeysOfDifferentSlotsWorkTogetherInOneShard) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"MSET", "a", "1", "b", "2"}), "+OK\r\n");
  EXPECT_EQ(client.Run({"MGET", "a", "b"}), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
}

TEST(RouterTest, KeysOfDifferentShardsAreCrossslot) {
  ClusterState state = InitialClusterState(std::string(16, 'c'), {}, {});
  state.shards = {{.group = GroupId(1), .slots = {{Slot(0), Slot(8191)}}, .replicas = {}},
                  {.group = GroupId(2), .slots = {{Slot(8192), Slot(16383)}}, .replicas = {}}};
  const RoutingTable table(std::make_shared<const ClusterState>(std::move(state)), {});
  const CommandSpec& mget = *FindCommand("mget");
  const std::vector<std::string_view> apart{"MGET", "a", "b"};  // slots 15495 and 3300
  const std::vector<std::string_view> together{"MGET", "{a}1", "{a}2"};

  const auto crossing = table.Find(mget, apart);
  const auto routed = table.Find(mget, together);

  ASSERT_FALSE(crossing.has_value());
  EXPECT_EQ(crossing.error().text, "CROSSSLOT Keys in request don't hash to the same slot");
  ASSERT_TRUE(routed.has_value());
  EXPECT_EQ((*routed)->id, GroupId(2));
}

TEST(RouterTest, BeforeTheClusterIsFoundedNothingIsServed) {
  const RoutingTable table(std::make_shared<const ClusterState>(), {});
  const std::vector<std::string_view> arguments{"GET", "a"};

  const auto route = table.Find(*FindCommand("get"), arguments);

  ASSERT_FALSE(route.has_value());
  EXPECT_EQ(route.error().text, "CLUSTERDOWN the cluster has not been founded yet; not applied");
}

}  // namespace
}  // namespace seshat
