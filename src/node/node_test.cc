// Whole nodes in one process, over real sockets, RocksDB and HTTP; clients speak RESP over sockets.
#include "seshat/node/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "seshat/admin/admin_client.h"
#include "seshat/admin/leadership_control.h"
#include "test_node_sockets.h"

namespace seshat {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

bool IsReady(const Node& node) {
  const Result<AdminResponse> answer =
      AdminGet(node.addresses().admin.ToString(), "/ready", std::chrono::seconds(5));
  return answer && answer->status == 200;
}

// Sends one inline command and returns the first line of its reply.
std::string Ask(const Node& node, const std::string& command) {
  const int descriptor = Connect(node.addresses().client);
  std::string reply;
  if (descriptor >= 0) {
    const std::string line = command + "\r\n";
    EXPECT_EQ(::send(descriptor, line.data(), line.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(line.size()));
    char byte = 0;
    while (!reply.ends_with("\r\n") && ::recv(descriptor, &byte, 1, 0) == 1) reply += byte;
  }
  ::close(descriptor);
  return reply;
}

class NodeTest : public ::testing::Test {
 protected:
  NodeTest()
      : root_(std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~NodeTest() override { std::filesystem::remove_all(root_); }

  NodeConfig ConfigOfOne(std::uint64_t id = 1) const {
    NodeConfig config;
    config.node_id = NodeId(id);
    config.data_dir = (root_ / ("node-" + std::to_string(id))).string();
    config.client_addr.port = 0;
    config.internal_addr.port = 0;
    config.admin_addr.port = 0;
    config.limits.clients_max = 100;
    return config;
  }

  // Configurations of `count` founding members of one cluster.
  std::vector<NodeConfig> ConfigsOf(std::uint64_t count) const {
    std::vector<FoundingMember> members;
    for (std::uint64_t id = 1; id <= count; ++id) {
      members.push_back({NodeId(id), {"127.0.0.1", FreePort()}});
    }
    std::vector<NodeConfig> configs;
    for (const FoundingMember& member : members) {
      NodeConfig config = ConfigOfOne(member.node.value());
      config.internal_addr = member.internal_address;
      config.initial_members = members;
      config.bootstrap = true;
      configs.push_back(config);
    }
    return configs;
  }

  std::unique_ptr<Node> Start(const NodeConfig& config) {
    Result<std::unique_ptr<Node>> node =
        Node::Start(config, [this](const Error& why) { failure_.set_value(why.message()); });
    if (!node) {
      ADD_FAILURE() << node.error().message();
      return nullptr;
    }
    return *std::move(node);
  }

  static std::string StartError(const NodeConfig& config) {
    const Result<std::unique_ptr<Node>> node = Node::Start(config, [](const Error&) {});
    return node ? "" : node.error().message();
  }

  const std::filesystem::path root_;
  std::promise<std::string> failure_;  // of the one node that may fail
};

TEST_F(NodeTest, AClusterOfOneServesAndKeepsItsDataOverARestart) {
  std::unique_ptr<Node> node = Start(ConfigOfOne());
  ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));
  EXPECT_EQ(Ask(*node, "SET k v"), "+OK\r\n");
  node->Stop();
  node.reset();

  node = Start(ConfigOfOne());
  ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));

  EXPECT_EQ(Ask(*node, "STRLEN k"), ":1\r\n");
}

TEST_F(NodeTest, ThreeNodesFoundAClusterAndAnySeesWhatAnyWrote) {
  std::vector<std::unique_ptr<Node>> nodes;
  for (const NodeConfig& config : ConfigsOf(3)) nodes.push_back(Start(config));
  for (const auto& node : nodes) ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));

  EXPECT_EQ(Ask(*nodes[0], "INCR n"), ":1\r\n");
  EXPECT_EQ(Ask(*nodes[1], "INCR n"), ":2\r\n");
  EXPECT_EQ(Ask(*nodes[2], "INCR n"), ":3\r\n");
}

TEST_F(NodeTest, AMajorityGoesOnWithoutTheThirdAndTheThirdCatchesUp) {
  const std::vector<NodeConfig> configs = ConfigsOf(3);
  std::vector<std::unique_ptr<Node>> nodes;
  for (const NodeConfig& config : configs) nodes.push_back(Start(config));
  for (const auto& node : nodes) ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));

  nodes[2].reset();
  ASSERT_TRUE(Eventually([&] { return Ask(*nodes[0], "SET k v") == "+OK\r\n"; }));
  nodes[2] = Start(configs[2]);

  ASSERT_TRUE(Eventually([&] { return IsReady(*nodes[2]); }));
  EXPECT_EQ(Ask(*nodes[2], "STRLEN k"), ":1\r\n");
}

TEST_F(NodeTest, OnlyTheLeaderHandsOverAndTheOthersNameIt) {
  std::vector<std::unique_ptr<Node>> nodes;
  for (const NodeConfig& config : ConfigsOf(3)) nodes.push_back(Start(config));
  for (const auto& node : nodes) ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));
  const auto post = [&](NodeId asked, NodeId to) {
    const Result<AdminResponse> response =
        AdminPost(nodes[asked.value() - 1]->addresses().admin.ToString(),
                  "/leader/transfer?group=data&to=" + std::to_string(to.value()), kDeadline);
    return response ? ParseTransferAnswer(response->body).value() : TransferAnswer{};
  };
  const NodeId stranger(9);
  const NodeId leader = post(NodeId(1), stranger).leader;
  const NodeId other(leader.value() % 3 + 1);

  const TransferAnswer from_other = post(other, other);
  const TransferAnswer from_leader = post(leader, other);

  EXPECT_EQ(from_other.outcome, TransferAnswer::Outcome::kNotLeader);
  EXPECT_EQ(from_other.leader, leader);
  EXPECT_EQ(from_other.leader_admin_address,
            nodes[leader.value() - 1]->addresses().admin.ToString());
  EXPECT_EQ(from_leader.outcome, TransferAnswer::Outcome::kDone) << from_leader.problem;
  EXPECT_EQ(from_leader.leader, other);
  EXPECT_EQ(post(leader, leader).outcome, TransferAnswer::Outcome::kNotLeader);
}

TEST_F(NodeTest, AFoundingMemberWaitsForTheOthersAndSaysForWhom) {
  const std::vector<NodeConfig> configs = ConfigsOf(2);

  const std::unique_ptr<Node> node = Start(configs[0]);

  const std::string admin = node->addresses().admin.ToString();
  EXPECT_TRUE(Eventually([&] {
    const Result<AdminResponse> answer = AdminGet(admin, "/ready", std::chrono::seconds(5));
    return answer && answer->status == 503 &&
           answer->body.find("waiting for founding member 2") != std::string::npos;
  }));
}

TEST_F(NodeTest, AMemberWithAWipedDiskIsRefusedAndStops) {
  const std::vector<NodeConfig> configs = ConfigsOf(3);
  std::vector<std::unique_ptr<Node>> nodes;
  for (const NodeConfig& config : configs) nodes.push_back(Start(config));
  for (const auto& node : nodes) ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));

  nodes[2].reset();
  std::filesystem::remove_all(configs[2].data_dir);
  nodes[2] = Start(configs[2]);

  std::future<std::string> failure = failure_.get_future();
  ASSERT_EQ(failure.wait_for(kDeadline), std::future_status::ready);
  EXPECT_THAT(failure.get(), AllOf(HasSubstr("store id"), HasSubstr(configs[2].data_dir)));
}

TEST_F(NodeTest, AClusterWhoseMembersAllMovedFindsItselfAgain) {
  std::vector<NodeConfig> configs = ConfigsOf(3);
  std::vector<std::unique_ptr<Node>> nodes;
  for (const NodeConfig& config : configs) nodes.push_back(Start(config));
  for (const auto& node : nodes) ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));
  nodes.clear();

  for (const NodeConfig& config : ConfigsOf(3)) nodes.push_back(Start(config));

  for (const auto& node : nodes) ASSERT_TRUE(Eventually([&] { return IsReady(*node); }));
  EXPECT_EQ(Ask(*nodes[0], "SET k v"), "+OK\r\n");
}

TEST_F(NodeTest, AnotherNodeIdOnItsDirectoryIsRefused) {
  Start(ConfigOfOne()).reset();
  NodeConfig config = ConfigOfOne();

  config.node_id = NodeId(2);

  EXPECT_THAT(StartError(config), AllOf(HasSubstr("node_id = 2"), HasSubstr("node 1")));
}

TEST_F(NodeTest, TwoNodesOnOneDirectoryAreRefused) {
  const std::unique_ptr<Node> node = Start(ConfigOfOne());

  EXPECT_THAT(StartError(ConfigOfOne()), HasSubstr("in use"));
}

TEST_F(NodeTest, AClientPortInUseIsAnErrorThatNamesIt) {
  const std::unique_ptr<Node> node = Start(ConfigOfOne());
  NodeConfig config = ConfigOfOne(2);

  config.client_addr = node->addresses().client;

  EXPECT_THAT(StartError(config),
              AllOf(HasSubstr("client_addr"), HasSubstr(std::to_string(config.client_addr.port))));
}

}  // namespace
}  // namespace seshat
