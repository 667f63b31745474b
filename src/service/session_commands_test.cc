// What a client may ask about itself and the node: the words are Redis 7.0.15's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_node.h"

namespace seshat {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

ServiceOptions WithPassword() {
  ServiceOptions options;
  options.password = "secret";
  return options;
}

constexpr char kNoAuth[] = "-NOAUTH Authentication required.\r\n";
constexpr char kWrongPassword[] =
    "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

TEST(AuthTest, NothingButAuthenticationIsTakenFromAStranger) {
  TestNode node(WithPassword());
  TestClient client(node);

  EXPECT_TRUE(client.handler->NeedsAuthentication());
  EXPECT_LT(client.handler->RequestBytesMax(), 1u << 20);
  EXPECT_EQ(client.Run({"GET", "k"}), kNoAuth);
  EXPECT_EQ(client.Run({"PING"}), kNoAuth);
  EXPECT_EQ(client.Run({"INFO"}), kNoAuth);
  EXPECT_EQ(client.Run({"AUTH", "wrong"}), kWrongPassword);
  EXPECT_EQ(client.Run({"AUTH", "other", "secret"}), kWrongPassword);
  EXPECT_EQ(client.Run({"AUTH", "secret"}), "+OK\r\n");

  EXPECT_FALSE(client.handler->NeedsAuthentication());
  EXPECT_EQ(client.handler->RequestBytesMax(), std::size_t{64} << 20);
  EXPECT_EQ(client.Run({"PING"}), "+PONG\r\n");
}

TEST(AuthTest, AuthenticationWorksInsideAPipeline) {
  TestNode node(WithPassword());
  TestClient client(node);

  EXPECT_EQ(
      client.Pipeline({{"AUTH", "default", "secret"}, {"SET", "k", "v"}, {"RESET"}, {"GET", "k"}}),
      std::string("+OK\r\n+OK\r\n+RESET\r\n") + kNoAuth);
}

TEST(AuthTest, AuthWithoutAPasswordConfiguredSaysSo) {
  TestNode node;
  TestClient client(node);

  EXPECT_THAT(client.Run({"AUTH", "x"}),
              StartsWith("-ERR AUTH <password> called without any password configured"));
  EXPECT_EQ(client.Run({"AUTH", "default", "anything"}), "+OK\r\n");
}

TEST(AcceptTest, ProtectedModeTurnsStrangersAway) {
  TestNode node;
  TestClient stranger(node, {"10.1.1.1:5000", "10.0.0.1:6379", false});

  EXPECT_EQ(stranger.handler, nullptr);
  EXPECT_THAT(stranger.refusal, StartsWith("DENIED Redis is running in protected mode because"));
}

TEST(AcceptTest, APasswordOrNoProtectedModeLetsThemIn) {
  TestNode with_password(WithPassword());
  ServiceOptions open;
  open.protected_mode = false;
  TestNode unprotected(open);
  const PeerAddress stranger{"10.1.1.1:5000", "10.0.0.1:6379", false};

  EXPECT_NE(TestClient(with_password, stranger).handler, nullptr);
  EXPECT_NE(TestClient(unprotected, stranger).handler, nullptr);
}

TEST(AcceptTest, OnlySoManyClients) {
  ServiceOptions options;
  options.clients_max = 1;
  TestNode node(options);
  TestClient first(node);
  TestClient second(node);

  EXPECT_EQ(second.handler, nullptr);
  EXPECT_EQ(second.refusal, "ERR max number of clients reached");
  first.Disconnect();
  EXPECT_NE(TestClient(node).handler, nullptr);
}

TEST(HelloTest, SwitchesTheProtocolAndDescribesTheServer) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"HELLO", "3", "SETNAME", "me"}),
            "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
            "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$7\r\ncluster\r\n"
            "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "GETNAME"}), "$2\r\nme\r\n");
  EXPECT_EQ(client.Run({"GET", "k"}), "_\r\n");
  EXPECT_EQ(client.Run({"RESET"}), "+RESET\r\n");
  EXPECT_EQ(client.Run({"GET", "k"}), "$-1\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "GETNAME"}), "$-1\r\n");
}

TEST(HelloTest, RefusesWhatRedisRefuses) {
  TestNode node(WithPassword());
  TestClient client(node);

  EXPECT_THAT(client.Run({"HELLO", "3"}), StartsWith("-NOAUTH HELLO must be called with"));
  EXPECT_EQ(client.Run({"HELLO", "4"}), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(client.Run({"HELLO", "x"}),
            "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(client.Run({"HELLO", "3", "AUTH", "default", "wrong"}), kWrongPassword);
  EXPECT_EQ(client.Run({"HELLO", "3", "NOPE"}), "-ERR Syntax error in HELLO option 'NOPE'\r\n");
  EXPECT_THAT(client.Run({"HELLO", "3", "AUTH", "default", "secret"}), StartsWith("%7\r\n"));
}

TEST(ConnectionCommandsTest, SmallOnesAnswerAsRedisDoes) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"PING", "hi"}), "$2\r\nhi\r\n");
  EXPECT_EQ(client.Run({"PING", "a", "b"}),
            "-ERR wrong number of arguments for 'ping' command\r\n");
  EXPECT_EQ(client.Run({"ECHO", "hi"}), "$2\r\nhi\r\n");
  EXPECT_EQ(client.Run({"SELECT", "0"}), "+OK\r\n");
  EXPECT_EQ(client.Run({"SELECT", "1"}), "-ERR SELECT is not allowed in cluster mode\r\n");
  EXPECT_EQ(client.Run({"SELECT", "x"}), "-ERR value is not an integer or out of range\r\n");
  EXPECT_EQ(client.Pipeline({{"READONLY"}, {"READWRITE"}, {"ASKING"}}), "+OK\r\n+OK\r\n+OK\r\n");
  EXPECT_EQ(client.Run({"TIME"}), "*2\r\n$10\r\n1700001000\r\n$1\r\n0\r\n");
  EXPECT_EQ(client.Run({"COMMAND", "COUNT"}).front(), ':');
}

TEST(ClientCommandsTest, ListAndInfoHaveRedisesFormat) {
  TestNode node;
  TestClient client(node);
  client.Pipeline({{"CLIENT", "SETNAME", "me"},
                   {"CLIENT", "SETINFO", "LIB-NAME", "lib"},
                   {"CLIENT", "SETINFO", "lib-ver", "1.2"}});

  EXPECT_THAT(
      client.Run({"CLIENT", "INFO"}),
      HasSubstr("id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=-1 name=me age=0 idle=0 "
                "flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 "
                "multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client|info "
                "user=default redir=-1 resp=2 lib-name=lib lib-ver=1.2\n"));
  EXPECT_THAT(client.Run({"CLIENT", "LIST"}), HasSubstr("cmd=client|list"));
  EXPECT_EQ(client.Run({"CLIENT", "LIST", "TYPE", "pubsub"}), "$0\r\n\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "LIST", "ID", "7"}), "$0\r\n\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "ID"}), ":1\r\n");
}

TEST(ClientCommandsTest, NamesAreChecked) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"CLIENT", "SETNAME", "a b"}),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "SETINFO", "lib-name", "a\nb"}),
            "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "SETINFO", "nope", "x"}), "-ERR Unrecognized option 'nope'\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "LIST", "TYPE", "nope"}), "-ERR Unknown client type 'nope'\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "LIST", "ID", "x"}), "-ERR Invalid client ID\r\n");
  EXPECT_EQ(client.Run({"CLIENT", "LIST", "NOPE"}), "-ERR syntax error\r\n");
}

TEST(InfoTest, HasRedisesFieldsAndOurs) {
  TestNode node;
  TestClient client(node);
  client.Pipeline({{"SET", "k", "v"}, {"INCR", "k"}});

  const std::string info = client.Run({"INFO", "everything"});

  for (const char* field :
       {"# Server\r\nredis_version:7.0.15\r\n", "redis_mode:cluster\r\n",
        "seshat_version:0.1.0\r\n", "tcp_port:6379\r\n", "connected_clients:1\r\n",
        "role:master\r\n", "loading:0\r\n", "cluster_enabled:1\r\n", "db0:keys=1,",
        "# Raft\r\nnode_id:1\r\n", "group_1_role:leader\r\n", "cmdstat_incr:calls=1,",
        "errorstat_ERR:count=1\r\n"}) {
    EXPECT_THAT(info, HasSubstr(field));
  }
}

TEST(InfoTest, GivesOnlyTheSectionsAskedFor) {
  TestNode node;
  TestClient client(node);

  const std::string info = client.Run({"INFO", "Cluster", "replication"});

  EXPECT_THAT(info, HasSubstr("# Replication\r\nrole:master\r\n"));
  EXPECT_THAT(info, HasSubstr("\r\n\r\n# Cluster\r\ncluster_enabled:1\r\n"));
  EXPECT_THAT(info, testing::Not(HasSubstr("# Server")));
}

FollowerStatus Follower(const TestNode& node, std::uint64_t id, std::uint64_t match,
                        bool is_active = true) {
  FollowerStatus follower;
  follower.id = NodeId(id);
  follower.match = LogIndex(match);
  follower.last_contact = node.loop.Now();
  follower.recently_active = is_active;
  return follower;
}

TEST(RoleTest, ALeaderHasTheFollowersThatAnswerAsReplicas) {
  TestNode node;
  TestClient client(node);
  client.Pipeline({{"SET", "k", "1"}, {"GET", "k"}, {"SET", "k", "2"}});
  node.group->followers = {Follower(node, 2, 1), Follower(node, 3, 9)};
  node.group->followers[1].last_contact = node.loop.Now() - std::chrono::milliseconds(2500);

  EXPECT_EQ(client.Run({"ROLE"}),
            "*3\r\n$6\r\nmaster\r\n:2\r\n*2\r\n"
            "*3\r\n$8\r\n10.0.0.2\r\n$4\r\n6379\r\n$1\r\n1\r\n"
            "*3\r\n$8\r\n10.0.0.3\r\n$4\r\n6379\r\n$1\r\n2\r\n");
  EXPECT_THAT(client.Run({"INFO", "replication"}),
              HasSubstr("# Replication\r\nrole:master\r\nconnected_slaves:2\r\n"
                        "slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0\r\n"
                        "slave1:ip=10.0.0.3,port=6379,state=online,offset=2,lag=2\r\n"
                        "master_repl_offset:2\r\n"));
}

TEST(RoleTest, AFollowerThatIsSilentIsNoReplicaAndOneThatGetsASnapshotIsNotOnline) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "1"});
  node.group->followers = {Follower(node, 2, 1, false), Follower(node, 3, 0)};
  node.group->followers[1].state = FollowerStatus::State::kSnapshot;

  EXPECT_EQ(client.Run({"ROLE"}), "*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n");
  EXPECT_THAT(client.Run({"INFO", "replication"}),
              HasSubstr("connected_slaves:1\r\nslave0:ip=10.0.0.3,port=6379,state=send_bulk,"
                        "offset=0,lag=0\r\n"));
}

TEST(RoleTest, ANodeThatDoesNotLeadKnowsOnlyItself) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "1"});
  node.group->leader = NodeId(2);

  EXPECT_EQ(client.Run({"ROLE"}), "*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n");
  EXPECT_THAT(client.Run({"INFO", "replication"}),
              HasSubstr("role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:1\r\n"));
}

TEST(SnapshotCommandsTest, ANodeThatTakesNoSnapshotsSaysSo) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"BGSAVE"}), "-ERR this node takes no snapshots\r\n");
  EXPECT_EQ(client.Run({"LASTSAVE"}), "-ERR this node takes no snapshots\r\n");
  EXPECT_THAT(client.Run({"INFO", "persistence"}), HasSubstr("rdb_last_bgsave_time_sec:-1\r\n"));
}

TEST(SnapshotCommandsTest, BgSaveTakesOneOption) {
  TestNode node;
  TestClient client(node);

  EXPECT_EQ(client.Run({"BGSAVE", "now"}), "-ERR syntax error\r\n");
  EXPECT_EQ(client.Run({"BGSAVE", "SCHEDULE", "x"}), "-ERR syntax error\r\n");
  EXPECT_EQ(client.Run({"LASTSAVE", "x"}),
            "-ERR wrong number of arguments for 'lastsave' command\r\n");
}

TEST(ConfigGetTest, MatchesPatternsAndHidesThePassword) {
  TestNode node(WithPassword());
  TestClient client(node);
  client.Run({"AUTH", "secret"});

  EXPECT_EQ(client.Run({"CONFIG", "GET", "save"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(client.Run({"CONFIG", "GET", "append*", "DATABASES"}),
            "*6\r\n$11\r\nappendfsync\r\n$6\r\nalways\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n"
            "$9\r\ndatabases\r\n$1\r\n1\r\n");
  EXPECT_EQ(client.Run({"CONFIG", "GET", "nope"}), "*0\r\n");
  EXPECT_THAT(client.Run({"CONFIG", "GET", "*"}), testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace seshat
