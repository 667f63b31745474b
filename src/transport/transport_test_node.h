// TestNode: one node's transport with doubles around it, for tests over real sockets.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "seshat/transport/tcp_transport.h"
#include "transport_test_ports.h"

namespace seshat {

inline PeerIdentity IdentityOf(std::uint64_t id) {
  return {
      .store_id = "store-" + std::to_string(id), .cluster_id = "cluster", .bootstrap_hash = "hash"};
}

inline TransportOptions OptionsOf(std::uint64_t id) {
  TransportOptions options;
  options.node_id = NodeId(id);
  options.listen_address = "127.0.0.1:0";
  options.backoff_min = std::chrono::milliseconds(5);
  options.backoff_max = std::chrono::milliseconds(50);
  return options;
}

// Threads: owned by the test.
struct TestNode {
  explicit TestNode(std::uint64_t number)
      : id(number), options(OptionsOf(number)), identity(IdentityOf(number)) {}

  void Start() {
    auto started = TcpTransport::Start(options, identity, handler, policy, clock, rng, metrics);
    ASSERT_TRUE(started.has_value()) << started.error().message();
    transport = std::move(*started);
  }
  std::string address() const { return transport->ListenAddress(); }
  std::uint16_t port() const {
    return static_cast<std::uint16_t>(std::stoi(address().substr(address().rfind(':') + 1)));
  }
  void Dial(const TestNode& peer) { transport->SetPeer(peer.id, peer.address()); }
  bool Reaches(const TestNode& peer) {
    return Eventually([&] { return transport->Connected(peer.id); });
  }
  // Whether `why` turns up as the reason for not being connected.
  bool IsRefused(const TestNode& peer, const std::string& why) {
    return Eventually([&] { return transport->LastError(peer.id).find(why) != std::string::npos; });
  }

  std::future<Result<std::string>> Call(const TestNode& peer, std::string request,
                                        Duration within = std::chrono::seconds(20),
                                        CallKind kind = CallKind::kForward) {
    std::promise<Result<std::string>> promise;
    auto answer = promise.get_future();
    transport->Call(peer.id, kind, std::move(request), clock.Now() + within,
                    [done = std::move(promise)](Result<std::string> result) mutable {
                      done.set_value(std::move(result));
                    });
    return answer;
  }

  NodeId id;
  TransportOptions options;
  PeerIdentity identity;
  RecordingHandler handler;
  SwitchPolicy policy;
  BootClock clock;
  SeededRng rng;
  RecordedMetrics metrics;
  std::unique_ptr<TcpTransport> transport;  // last: stops before what it uses goes
};

inline ErrorCode CodeOf(std::future<Result<std::string>>& answer) {
  const Result<std::string> result = answer.get();
  EXPECT_FALSE(result.has_value());
  return result ? ErrorCode::kNotFound : result.error().code();
}

// Two nodes, not started yet.
struct TransportPairTest : ::testing::Test {
  TestNode a{1};
  TestNode b{2};

  void Connect() {
    a.Start();
    b.Start();
    a.Dial(b);
    ASSERT_TRUE(a.Reaches(b)) << a.transport->LastError(b.id);
  }
};

}  // namespace seshat
