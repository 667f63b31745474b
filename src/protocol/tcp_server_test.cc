// The server with real sockets over loopback.
#include "seshat/protocol/tcp_server.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "seshat/base/random.h"
#include "seshat/protocol/file_limit.h"
#include "tcp_test_support.h"

namespace seshat {
namespace {

using std::chrono::milliseconds;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SESHAT_TEST_SANITIZED
#endif
#endif
#if defined(SESHAT_TEST_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // its own memory counts too
#else
constexpr bool kSanitized = false;
#endif

class TcpServerTest : public testing::Test {
 protected:
  // Starts a server on a free port.
  void Start() {
    server_ = std::make_unique<TcpServer>(options_, factory_, clock_, metrics_);
    const Status started = server_->Start();
    ASSERT_TRUE(started.has_value()) << started.error().message();
  }
  TestClient Connect() { return TestClient(server_->bound_address()); }

  BootClock clock_;
  RecordedMetrics metrics_;
  TestHandlerFactory factory_;
  TcpServerOptions options_{.listen = {"127.0.0.1:0"}, .io_threads = 2};
  std::unique_ptr<TcpServer> server_;
};

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string Bulk(std::string_view text) {
  std::string out;
  EncodeBulk(text, out);
  return out;
}

TEST_F(TcpServerTest, AnswersARequest) {
  Start();
  TestClient client = Connect();

  client.Send("*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n");

  EXPECT_EQ(client.Receive(11), "$5\r\nhello\r\n");
}

TEST_F(TcpServerTest, AnswersAPipelineInOrder) {
  Start();
  TestClient client = Connect();
  std::string requests;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    requests += "ECHO " + std::to_string(i) + "\r\n";
    expected += Bulk(std::to_string(i));
  }

  client.Send(requests);

  EXPECT_EQ(client.Receive(expected.size()), expected);
}

TEST_F(TcpServerTest, AnswersARequestThatComesByteByByte) {
  Start();
  TestClient client = Connect();

  for (const char byte : std::string("*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n")) client.Send({&byte, 1});

  EXPECT_EQ(client.Receive(8), "$2\r\nhi\r\n");
}

TEST_F(TcpServerTest, CarriesAHugeArgumentBothWays) {
  Start();
  TestClient client = Connect();
  const std::string value(16 * 1024 * 1024, 'v');

  std::thread sender([&] { client.Send("*2\r\n$4\r\nECHO\r\n" + Bulk(value)); });
  const std::string received = client.Receive(Bulk(value).size());
  sender.join();

  EXPECT_TRUE(received == Bulk(value));
}

TEST_F(TcpServerTest, AMalformedRequestIsAnsweredAfterThoseBeforeItThenClosed) {
  Start();
  TestClient client = Connect();

  client.Send("PING\r\n*1\r\n$x\r\nPING\r\n" + std::string(10'000, 'z'));

  EXPECT_EQ(client.ReceiveAll(), "+PONG\r\n-ERR Protocol error: invalid bulk length\r\n");
  EXPECT_TRUE(Eventually([&] { return factory_.open() == 0; }));
  EXPECT_EQ(metrics_.Value("client_protocol_errors_total"), 1);
}

TEST_F(TcpServerTest, RequestsBeforeAuthenticationAreLimited) {
  factory_.needs_authentication = true;
  Start();
  TestClient client = Connect();

  client.Send("*11\r\n");

  EXPECT_EQ(client.ReceiveAll(), "-ERR Protocol error: unauthenticated multibulk length\r\n");
}

TEST_F(TcpServerTest, AuthenticationLiftsTheLimitsForTheRequestRightAfterIt) {
  factory_.needs_authentication = true;
  Start();
  TestClient client = Connect();
  const std::string value(20'000, 'v');

  client.Send("AUTH secret\r\n*2\r\n$4\r\nECHO\r\n" + Bulk(value));

  EXPECT_EQ(client.Receive(5 + Bulk(value).size()), "+OK\r\n" + Bulk(value));
}

TEST_F(TcpServerTest, ClosesAfterTheReplyHasLeft) {
  Start();
  TestClient client = Connect();

  client.Send("FILL 1000000\r\nQUIT\r\nPING\r\n");

  const auto received = client.ReceiveAll();
  ASSERT_TRUE(received.has_value());
  EXPECT_TRUE(*received == Bulk(std::string(1'000'000, 'x')) + "+OK\r\n");
}

TEST_F(TcpServerTest, OneClientTooManyIsToldSo) {
  options_.connections_max = 2;
  Start();
  TestClient first = Connect();
  TestClient second = Connect();
  first.Send("PING\r\n");
  second.Send("PING\r\n");
  ASSERT_EQ(first.Receive(7) + second.Receive(7), "+PONG\r\n+PONG\r\n");

  TestClient third = Connect();

  EXPECT_EQ(third.ReceiveAll(), "-ERR max number of clients reached\r\n");
  EXPECT_EQ(metrics_.Value("client_connections_rejected_total"), 1);
}

TEST_F(TcpServerTest, APlaceIsFreeAgainOnceAClientLeaves) {
  options_.connections_max = 1;
  Start();
  std::make_unique<TestClient>(server_->bound_address()).reset();

  EXPECT_TRUE(Eventually([&] {
    TestClient client = Connect();
    client.Send("PING\r\n");
    return client.Receive(7) == "+PONG\r\n";
  }));
}

TEST_F(TcpServerTest, ARefusedClientGetsTheReason) {
  factory_.refuse_with = "DENIED protected mode";
  Start();
  TestClient client = Connect();

  EXPECT_EQ(client.ReceiveAll(), "-DENIED protected mode\r\n");
}

TEST_F(TcpServerTest, AClientThatDoesNotReadIsCutOffAtTheHardLimitAndOthersAreServed) {
  options_.output_soft_bytes = 4 * 1024 * 1024;
  options_.output_hard_bytes = 8 * 1024 * 1024;
  options_.io_threads = 1;
  Start();
  TestClient slow = Connect();
  TestClient other = Connect();

  slow.Send(Repeat("FILL 1000000\r\n", 50));

  EXPECT_TRUE(Eventually([&] { return metrics_.Value("client_output_limit_closed_total") == 1; }));
  other.Send("PING\r\n");
  EXPECT_EQ(other.Receive(7), "+PONG\r\n");
  EXPECT_TRUE(Eventually([&] { return factory_.open() == 1; }));
}

TEST_F(TcpServerTest, AClientAboveTheSoftLimitForTooLongIsCutOff) {
  options_.output_soft_bytes = 1024 * 1024;
  options_.output_soft_duration = milliseconds(50);
  Start();
  TestClient slow = Connect();

  // More than a loopback socket's buffers hold, and less than the hard limit.
  slow.Send("FILL 30000000\r\n");

  EXPECT_TRUE(Eventually([&] { return metrics_.Value("client_output_limit_closed_total") == 1; }));
  EXPECT_TRUE(Eventually([&] { return factory_.open() == 0; }));
}

TEST_F(TcpServerTest, AFastReaderOfManyLargeRepliesIsNotCutOff) {
  options_.output_soft_bytes = 1024 * 1024;
  Start();
  TestClient client = Connect();
  const std::string one = Bulk(std::string(100'000, 'x'));

  // One at a time would take as many round trips; all at once would be 200 MB.
  std::thread sender([&] {
    for (int i = 0; i < 2000; ++i) client.Send("FILL 100000\r\n");
  });
  std::size_t received = 0;
  for (int i = 0; i < 2000; ++i) received += client.Receive(one.size()).size();
  sender.join();

  EXPECT_EQ(received, 2000 * one.size());
}

TEST_F(TcpServerTest, ReadingPausesWhileTheHandlerWantsNoMore) {
  factory_.held_max = 1;
  Start();
  TestClient client = Connect();

  client.Send("HOLD\r\n");
  ASSERT_TRUE(Eventually([&] { return factory_.held() == 1; }));
  client.Send("PING\r\nPING\r\n");
  TestClient witness = Connect();
  witness.Send("PING\r\n");
  ASSERT_EQ(witness.Receive(7), "+PONG\r\n");
  EXPECT_FALSE(client.HasInput());

  factory_.ReleaseAll();

  EXPECT_EQ(client.Receive(18), ":1\r\n+PONG\r\n+PONG\r\n");
}

TEST_F(TcpServerTest, AHalfClosedClientGetsEveryReply) {
  Start();
  TestClient client = Connect();

  client.Send("PING\r\nHOLD\r\n");
  client.EndSending();
  ASSERT_TRUE(Eventually([&] { return factory_.held() == 1; }));
  factory_.ReleaseAll();

  EXPECT_EQ(client.ReceiveAll(), "+PONG\r\n:1\r\n");
}

TEST_F(TcpServerTest, AResetConnectionIsForgotten) {
  Start();
  TestClient client = Connect();
  client.Send("PING\r\n");
  ASSERT_EQ(client.Receive(7), "+PONG\r\n");

  client.Reset();

  EXPECT_TRUE(Eventually([&] { return factory_.open() == 0; }));
  EXPECT_TRUE(Eventually([&] { return metrics_.Value("client_connections") == 0; }));
}

TEST_F(TcpServerTest, AnIdleClientIsClosedAfterTheTimeout) {
  options_.idle_timeout = milliseconds(50);
  Start();
  TestClient client = Connect();

  EXPECT_EQ(client.ReceiveAll(), "");
}

TEST_F(TcpServerTest, StopWaitsForWhatIsInFlight) {
  Start();
  TestClient client = Connect();
  client.Send("HOLD\r\n");
  ASSERT_TRUE(Eventually([&] { return factory_.held() == 1; }));

  std::thread stopper([&] { server_->Stop(kTestDeadline); });
  // Refused now: the server has begun to stop.
  EXPECT_TRUE(Eventually([&] { return !Connect().connected(); }));
  factory_.ReleaseAll();
  const auto received = client.ReceiveAll();
  stopper.join();

  EXPECT_EQ(received, ":1\r\n");
  EXPECT_EQ(metrics_.Value("client_connections"), 0);
}

TEST_F(TcpServerTest, StopClosesWhatIsNotDoneInTime) {
  Start();
  TestClient client = Connect();
  client.Send("HOLD\r\n");
  ASSERT_TRUE(Eventually([&] { return factory_.held() == 1; }));

  server_->Stop(milliseconds(20));

  EXPECT_EQ(client.ReceiveAll(), "");
  EXPECT_EQ(factory_.open(), 0u);
}

TEST_F(TcpServerTest, APortInUseIsNamed) {
  Start();
  options_.listen = {server_->bound_address()};
  TcpServer second(options_, factory_, clock_, metrics_);

  const Status started = second.Start();

  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_NE(started.error().message().find(server_->bound_address()), std::string::npos);
}

TEST_F(TcpServerTest, BadAddressesAreRefusedByName) {
  for (const char* address : {"", "6379", ":6379", "127.0.0.1:", "127.0.0.1:65536", "::1:6379",
                              "127.0.0.1:x", "no.such.host.invalid:1"}) {
    options_.listen = {address};
    TcpServer server(options_, factory_, clock_, metrics_);

    const Status started = server.Start();

    ASSERT_FALSE(started.has_value()) << address;
    EXPECT_EQ(started.error().code(), ErrorCode::kInvalidArgument) << address;
    EXPECT_NE(started.error().message().find(address), std::string::npos) << address;
  }
}

TEST_F(TcpServerTest, ListensOnSeveralAddressesAndIpv6) {
  options_.listen = {"127.0.0.1:0", "[::1]:0"};
  TcpServer server(options_, factory_, clock_, metrics_);
  if (!server.Start()) GTEST_SKIP() << "no IPv6 loopback here";
  TestClient client(server.bound_addresses()[1]);

  client.Send("PING\r\n");

  EXPECT_EQ(client.Receive(7), "+PONG\r\n");
  EXPECT_TRUE(factory_.last_peer().remote.starts_with("[::1]:"));
  EXPECT_EQ(factory_.last_peer().local, server.bound_addresses()[1]);
  EXPECT_TRUE(factory_.last_peer().is_loopback);
}

std::size_t ResidentBytes() {
  std::size_t total = 0;
  std::size_t resident = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Whether `count` clients at once each get an answer. Tells `done_fd` once all have and
// keeps them until `go_fd` ends.
bool ServesAtOnce(const std::string& address, std::size_t count, int done_fd, int go_fd) {
  std::vector<TestClient> clients;
  for (std::size_t i = 0; i < count; ++i) {
    clients.emplace_back(address);
    if (!clients.back().connected()) return false;
    if (!clients.back().Send("*2\r\n$4\r\nECHO\r\n" + Bulk(std::to_string(i)))) return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string expected = Bulk(std::to_string(i));
    if (clients[i].Receive(expected.size()) != expected) return false;
  }
  char byte = 1;
  return ::write(done_fd, &byte, 1) == 1 && ::read(go_fd, &byte, 1) == 0;
}

TEST_F(TcpServerTest, TenThousandConnectionsAreServedAndSmall) {
  constexpr std::size_t kConnections = 10'000;
  constexpr std::size_t kBytesEach = 4 * 1024;
  if (!RaiseFileLimit(kConnections, 100)) GTEST_SKIP() << "not that many files allowed here";
  // A process of their own holds the clients' ends; it is split off before any thread runs.
  int address_pipe[2];
  int done_pipe[2];
  ASSERT_TRUE(::pipe(address_pipe) == 0 && ::pipe(done_pipe) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(address_pipe[1]);
    char address[64] = {};
    const bool told = ::read(address_pipe[0], address, sizeof(address) - 1) > 0;
    const bool ok = told && ServesAtOnce(address, kConnections, done_pipe[1], address_pipe[0]);
    ::_exit(ok ? 0 : 1);
  }
  ::close(done_pipe[1]);
  ::close(address_pipe[0]);
  Start();
  const std::size_t before = ResidentBytes();

  const std::string& address = server_->bound_address();
  ASSERT_EQ(::write(address_pipe[1], address.data(), address.size()),
            static_cast<ssize_t>(address.size()));
  char byte = 0;
  const bool all_answered = ::read(done_pipe[0], &byte, 1) == 1;
  const double connections = metrics_.Value("client_connections");
  const std::size_t after = ResidentBytes();
  ::close(address_pipe[1]);
  ::close(done_pipe[0]);
  int exit_status = -1;
  ::waitpid(child, &exit_status, 0);

  EXPECT_TRUE(all_answered);
  EXPECT_EQ(exit_status, 0);
  EXPECT_EQ(connections, kConnections);
  if (!kSanitized) {
    EXPECT_LT(after, before + kConnections * kBytesEach);
  }
}

// What one client of the next test does until told to stop.
void ComeAndGo(const std::string& address, std::uint64_t seed, std::atomic<int>& rounds_left) {
  constexpr std::string_view kRequest = "*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n";
  constexpr std::size_t kReplyBytes = 9;
  Random random(seed);
  while (rounds_left.fetch_sub(1) > 0) {
    TestClient client(address);
    const std::string requests = Repeat(kRequest, random.Below(50) + 1);
    const std::size_t sent = random.Below(requests.size()) + 1;
    client.Send(std::string_view(requests).substr(0, sent));
    switch (random.Below(4)) {
      case 0:
        // At most what those of the requests that are whole give.
        client.Receive(random.Below(sent / kRequest.size() * kReplyBytes + 1));
        break;
      case 1:
        client.Reset();
        break;
      case 2:
        client.EndSending();
        client.ReceiveAll();
        break;
      default:
        client.Send("HOLD\r\n");
        break;
    }
  }
}

TEST_F(TcpServerTest, ClientsMayLeaveAtAnyMoment) {
  Start();
  std::atomic<int> rounds_left{1000};

  std::vector<std::thread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] { ComeAndGo(server_->bound_address(), seed, rounds_left); });
  }
  for (int i = 0; i < 50; ++i) factory_.ReleaseAll();
  for (std::thread& thread : threads) thread.join();

  EXPECT_TRUE(Eventually([&] {
    factory_.ReleaseAll();  // the server may yet read what a client left behind
    return factory_.open() == 0;
  }));
  TestClient client = Connect();
  client.Send("PING\r\n");
  EXPECT_EQ(client.Receive(7), "+PONG\r\n");
}

}  // namespace
}  // namespace seshat
