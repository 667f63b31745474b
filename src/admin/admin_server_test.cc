// The admin endpoint over real HTTP, by our own client and by raw sockets for what a client must
// not send.
#include "seshat/admin/admin_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "seshat/admin/admin_client.h"

namespace seshat {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class FakeHealth final : public HealthSource {
 public:
  HealthAnswer GetLiveness() const override { return live; }
  HealthAnswer GetReadiness() const override { return ready; }
  HealthAnswer GetHealth() const override { return health; }
  StatusReport GetStatus() const override { return status; }

  HealthAnswer live;
  HealthAnswer ready;
  HealthAnswer health;
  StatusReport status;
};

class FakeLeadership final : public LeadershipControl {
 public:
  TransferAnswer Transfer(GroupId group, NodeId to) override {
    asked.emplace_back(group, to);
    return answer;
  }

  std::vector<std::pair<GroupId, NodeId>> asked;
  TransferAnswer answer;
};

class FakeSnapshots final : public SnapshotControl {
 public:
  SnapshotAnswer Create() override {
    ++asked;
    return answer;
  }

  int asked = 0;
  SnapshotAnswer answer;
};

class FakeMembers final : public MemberControl {
 public:
  MemberAnswer Add(NodeId node, const std::string& internal_address) override {
    asked.push_back("add " + std::to_string(node.value()) + " " + internal_address);
    return answer;
  }
  MemberAnswer Remove(NodeId node) override {
    asked.push_back("remove " + std::to_string(node.value()));
    return answer;
  }

  std::vector<std::string> asked;
  MemberAnswer answer;
};

class AdminServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AdminServerOptions options;
    options.address = "127.0.0.1:0";
    auto server = AdminServer::Start(options, Handlers());
    ASSERT_TRUE(server.has_value()) << server.error().message();
    server_ = std::move(*server);
  }

  AdminHandlers Handlers() {
    return {.health = health_,
            .leadership = leadership_,
            .snapshots = snapshots_,
            .members = members_,
            .render_metrics = [] { return std::string("a_metric 1\n"); }};
  }
  std::string Address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  AdminResponse Get(const std::string& path) {
    Result<AdminResponse> response = AdminGet(Address(), path, std::chrono::seconds(10));
    if (!response) {
      ADD_FAILURE() << response.error().message();
      return {};
    }
    return *response;
  }

  AdminResponse Post(const std::string& path) {
    Result<AdminResponse> response = AdminPost(Address(), path, std::chrono::seconds(10));
    if (!response) {
      ADD_FAILURE() << response.error().message();
      return {};
    }
    return *response;
  }

  // Sends `bytes` as they are and returns everything that comes back.
  std::string SendRaw(const std::string& bytes) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    ::shutdown(descriptor, SHUT_WR);
    std::string received;
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(descriptor, buffer, sizeof buffer, 0)) > 0) {
      received.append(buffer, static_cast<std::size_t>(count));
    }
    ::close(descriptor);
    return received;
  }

  FakeHealth health_;
  FakeLeadership leadership_;
  FakeSnapshots snapshots_;
  FakeMembers members_;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, GoodHealthIs200WithoutReasons) {
  const AdminResponse response = Get("/health");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"status\":\"healthy\",\"reasons\":[]}\n");
}

TEST_F(AdminServerTest, BadReadinessIs503AndSaysWhyNot) {
  health_.ready.reasons = {"group data has no leader"};

  const AdminResponse response = Get("/ready");

  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body,
            "{\"status\":\"not ready\",\"reasons\":[\"group data has no leader\"]}\n");
}

TEST_F(AdminServerTest, LivenessIsItsOwnQuestion) {
  health_.ready.reasons = {"behind"};

  EXPECT_EQ(Get("/live").status, 200);
}

TEST_F(AdminServerTest, MetricsAreServedAsText) {
  const AdminResponse response = Get("/metrics");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "a_metric 1\n");
}

TEST_F(AdminServerTest, StatusIsTheReportAsJson) {
  health_.status.node = NodeId(7);

  const Result<StatusReport> report = ParseStatusReport(Get("/status").body);

  ASSERT_TRUE(report.has_value()) << report.error().message();
  EXPECT_EQ(report->node, NodeId(7));
}

TEST_F(AdminServerTest, UnknownPathIs404AndNamesTheKnownOnes) {
  const AdminResponse response = Get("/nothing");

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("/metrics"));
}

TEST_F(AdminServerTest, OtherMethodsAre405AndNameThoseOfThePath) {
  const std::string page = SendRaw("POST /health HTTP/1.1\r\nHost: x\r\nX-Seshat: 1\r\n\r\n");
  const std::string transfer =
      SendRaw("GET /leader/transfer?group=data HTTP/1.1\r\nHost: x\r\nX-Seshat: 1\r\n\r\n");

  EXPECT_THAT(page, AllOf(HasSubstr(" 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
  EXPECT_THAT(page, HasSubstr("{\"error\":\"allowed: GET, HEAD\"}"));
  EXPECT_THAT(transfer, AllOf(HasSubstr(" 405 "), HasSubstr("Allow: POST\r\n")));
  EXPECT_THAT(transfer, HasSubstr("{\"error\":\"allowed: POST\"}"));
  EXPECT_THAT(leadership_.asked, IsEmpty());
}

TEST_F(AdminServerTest, ATransferIsAskedOfTheNodeAndAnswersAsJson) {
  leadership_.answer = {TransferAnswer::Outcome::kDone, GroupId(1), NodeId(1), NodeId(2), "", ""};

  const AdminResponse response = Post("/leader/transfer?group=data&to=2");
  Post("/leader/transfer?group=7");

  EXPECT_EQ(response.status, 200);
  const Result<TransferAnswer> answer = ParseTransferAnswer(response.body);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(*answer, leadership_.answer);
  EXPECT_THAT(leadership_.asked,
              ElementsAre(Pair(GroupId(1), NodeId(2)), Pair(GroupId(7), kNoNode)));
}

TEST_F(AdminServerTest, AnythingButADoneTransferIsNo200) {
  const auto status_of = [&](TransferAnswer::Outcome outcome) {
    leadership_.answer.outcome = outcome;
    return Post("/leader/transfer?group=data").status;
  };

  EXPECT_EQ(status_of(TransferAnswer::Outcome::kNotLeader), 421);
  EXPECT_EQ(status_of(TransferAnswer::Outcome::kRefused), 409);
  EXPECT_EQ(status_of(TransferAnswer::Outcome::kFailed), 503);
}

TEST_F(AdminServerTest, ATransferThatIsNotOneIs400AndSaysWhatIsAllowed) {
  for (const char* query : {"", "?group=", "?group=x", "?to=2", "?group=data&to=",
                            "?group=data&to=x", "?group=data&to=0", "?group=data&to=-1"}) {
    const AdminResponse response = Post("/leader/transfer" + std::string(query));

    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, HasSubstr("allowed: ")) << query;
  }
  EXPECT_THAT(leadership_.asked, IsEmpty());
}

TEST_F(AdminServerTest, APostThatABrowserCouldSendIsRefused) {
  for (const std::string path :
       {"/leader/transfer?group=data", "/snapshot", "/node/add?node=4", "/node/remove?node=4"}) {
    const std::string post = "POST " + path + " HTTP/1.1\r\nHost: x\r\n";

    EXPECT_THAT(SendRaw(post + "\r\n"), AllOf(HasSubstr(" 403 "), HasSubstr("X-Seshat: 1")));
    EXPECT_THAT(SendRaw(post + "X-Seshat: 1\r\nOrigin: http://x\r\n\r\n"), HasSubstr(" 403 "));
  }
  EXPECT_THAT(leadership_.asked, IsEmpty());
  EXPECT_EQ(snapshots_.asked, 0);
  EXPECT_THAT(members_.asked, IsEmpty());
}

TEST_F(AdminServerTest, ChangesOfMembersAreAskedOfTheNodeAndAnswerAsJson) {
  members_.answer = {MemberAnswer::Outcome::kDone, NodeId(1), ""};

  const AdminResponse added = Post("/node/add?node=4&internal_addr=h:7");
  EXPECT_EQ(Post("/node/add?node=5").status, 200);
  EXPECT_EQ(Post("/node/remove?node=4").status, 200);

  EXPECT_THAT(members_.asked, ElementsAre("add 4 h:7", "add 5 ", "remove 4"));
  const Result<MemberAnswer> answer = ParseMemberAnswer(added.body);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(*answer, members_.answer);
}

TEST_F(AdminServerTest, AChangeOfMembersThatIsNotDoneIsNo200) {
  const auto status_of = [&](MemberAnswer::Outcome outcome) {
    members_.answer.outcome = outcome;
    return Post("/node/remove?node=4").status;
  };

  EXPECT_EQ(status_of(MemberAnswer::Outcome::kTryAgain), 409);
  EXPECT_EQ(status_of(MemberAnswer::Outcome::kRefused), 409);
  EXPECT_EQ(status_of(MemberAnswer::Outcome::kFailed), 503);
  EXPECT_EQ(status_of(MemberAnswer::Outcome::kUnknown), 503);
}

TEST_F(AdminServerTest, AChangeOfMembersWithoutANodeIs400) {
  for (const char* query : {"", "?node=", "?node=0", "?node=x", "?node=-1"}) {
    for (const std::string path : {"/node/add", "/node/remove"}) {
      const AdminResponse response = Post(path + query);

      EXPECT_EQ(response.status, 400) << path << query;
      EXPECT_THAT(response.body, HasSubstr("node: allowed: ")) << path << query;
    }
  }
  EXPECT_THAT(members_.asked, IsEmpty());
}

TEST_F(AdminServerTest, ASnapshotIsAskedOfTheNodeAndAnswersAsJson) {
  snapshots_.answer = {SnapshotAnswer::Outcome::kDone, NodeId(1), "snapshot-1", 4096, 17, ""};

  const AdminResponse response = Post("/snapshot");

  EXPECT_EQ(response.status, 200);
  const Result<SnapshotAnswer> answer = ParseSnapshotAnswer(response.body);
  ASSERT_TRUE(answer.has_value()) << answer.error().message();
  EXPECT_EQ(*answer, snapshots_.answer);
  EXPECT_EQ(snapshots_.asked, 1);
}

TEST_F(AdminServerTest, ASnapshotThatIsNotKeptIsNo200) {
  snapshots_.answer.outcome = SnapshotAnswer::Outcome::kRefused;
  EXPECT_EQ(Post("/snapshot").status, 409);
  snapshots_.answer.outcome = SnapshotAnswer::Outcome::kFailed;
  EXPECT_EQ(Post("/snapshot").status, 503);
}

TEST_F(AdminServerTest, LookingAtTheSnapshotPathTakesNone) {
  EXPECT_THAT(SendRaw("GET /snapshot HTTP/1.1\r\nHost: x\r\nX-Seshat: 1\r\n\r\n"),
              AllOf(HasSubstr(" 405 "), HasSubstr("Allow: POST\r\n")));
  EXPECT_EQ(snapshots_.asked, 0);
}

TEST_F(AdminServerTest, ABodyIsRefused) {
  EXPECT_THAT(SendRaw("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
              HasSubstr(" 413 "));
}

TEST_F(AdminServerTest, HeadSendsNoBody) {
  const std::string response = SendRaw("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n");

  EXPECT_THAT(response, HasSubstr(" 200 "));
  EXPECT_TRUE(response.ends_with("\r\n\r\n")) << response;
}

TEST_F(AdminServerTest, GarbageGetsA4xxAndTheServerGoesOn) {
  EXPECT_THAT(SendRaw("\x01\x02\x03 nonsense\r\n\r\n"), HasSubstr(" 400 Bad Request"));

  EXPECT_EQ(Get("/live").status, 200);
}

TEST_F(AdminServerTest, ARequestOverTheLimitGetsA4xxAndTheServerGoesOn) {
  const std::string line = "GET /health HTTP/1.1\r\nX: " + std::string(64 * 1024, 'a');

  const std::string response = SendRaw(line + "\r\n\r\n");

  EXPECT_TRUE(response.empty() || response.starts_with("HTTP/1.0 4")) << response.substr(0, 100);
  EXPECT_EQ(Get("/live").status, 200);
}

TEST_F(AdminServerTest, APortInUseIsAnErrorThatNamesIt) {
  AdminServerOptions options;
  options.address = Address();

  const auto second = AdminServer::Start(options, Handlers());

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kIo);
  EXPECT_THAT(second.error().message(), HasSubstr(Address()));
  EXPECT_THAT(second.error().message(), HasSubstr("in use"));
}

TEST(AdminClientTest, NobodyListeningIsUnavailable) {
  const Result<AdminResponse> response = AdminGet("127.0.0.1:1", "/live", std::chrono::seconds(10));

  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message(), HasSubstr("127.0.0.1:1"));
}

TEST(AdminClientTest, AnAddressWithoutPortIsInvalid) {
  for (const char* address : {"", "host", "host:", ":1"}) {
    const Result<AdminResponse> response = AdminGet(address, "/live", std::chrono::seconds(1));

    ASSERT_FALSE(response.has_value()) << address;
    EXPECT_EQ(response.error().code(), ErrorCode::kInvalidArgument) << address;
  }
}

}  // namespace
}  // namespace seshat
