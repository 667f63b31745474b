#include "seshat/transport/tcp_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>

#include "freezable_proxy.h"
#include "transport_test_node.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;

using TcpTransportTest = TransportPairTest;

TEST_F(TcpTransportTest, DeliversInOrderWithinAChannel) {
  Connect();
  constexpr int kMessages = 5000;

  for (int i = 0; i < kMessages; ++i) {
    a.transport->Send(b.id, Channel::kControl, "control " + std::to_string(i));
    a.transport->Send(b.id, Channel::kAppend, "append " + std::to_string(i));
  }

  ASSERT_TRUE(Eventually([&] { return b.handler.count() == 2 * kMessages; }));
  int control = 0;
  int append = 0;
  for (const ReceivedMessage& message : b.handler.messages()) {
    ASSERT_EQ(message.from, a.id);
    if (message.channel == Channel::kControl) {
      ASSERT_EQ(message.payload, "control " + std::to_string(control++));
    } else {
      ASSERT_EQ(message.payload, "append " + std::to_string(append++));
    }
  }
}

TEST_F(TcpTransportTest, CarriesEmptyAndBinaryPayloads) {
  Connect();
  const std::string binary("\0\xff\r\n\x80", 5);

  a.transport->Send(b.id, Channel::kControl, "");
  a.transport->Send(b.id, Channel::kControl, binary);

  ASSERT_TRUE(Eventually([&] { return b.handler.count() == 2; }));
  EXPECT_EQ(b.handler.messages()[0].payload, "");
  EXPECT_EQ(b.handler.messages()[1].payload, binary);
}

TEST_F(TcpTransportTest, CutsLargePayloadsIntoFramesAndPutsThemTogether) {
  Connect();
  std::string large(10 << 20, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 8);

  a.transport->Send(b.id, Channel::kAppend, large);
  auto answer = a.Call(b, large);

  ASSERT_TRUE(Eventually([&] { return b.handler.count() == 1; }));
  EXPECT_TRUE(b.handler.messages()[0].payload == large);
  const Result<std::string> reply = answer.get();
  ASSERT_TRUE(reply.has_value()) << reply.error().message();
  EXPECT_TRUE(*reply == "re:" + large);
}

TEST_F(TcpTransportTest, ThreeNodesAllReachEachOther) {
  TestNode c(3);
  std::vector<TestNode*> nodes{&a, &b, &c};
  for (TestNode* node : nodes) node->Start();
  for (TestNode* from : nodes) {
    for (TestNode* to : nodes) from->Dial(*to);
  }

  for (TestNode* from : nodes) {
    for (TestNode* to : nodes) {
      if (from == to) continue;
      ASSERT_TRUE(from->Reaches(*to));
      EXPECT_EQ(from->transport->LastError(to->id), "");
      from->transport->Send(to->id, Channel::kControl, "hi");
    }
  }

  for (TestNode* node : nodes) {
    EXPECT_TRUE(Eventually([&] { return node->handler.count() == 2; }));
  }
}

TEST_F(TcpTransportTest, ANameIsLookedUp) {
  a.Start();
  b.Start();

  a.transport->SetPeer(b.id, "localhost:" + std::to_string(b.port()));

  EXPECT_TRUE(a.Reaches(b)) << a.transport->LastError(b.id);
}

// --- Handshake ---

TEST_F(TcpTransportTest, TheSameSecretLetsIn) {
  a.options.cluster_secret = b.options.cluster_secret = std::string(32, 's');

  Connect();

  EXPECT_EQ(b.policy.seen().at(0).node_id, a.id);
  EXPECT_EQ(b.policy.seen().at(0).identity.store_id, "store-1");
  EXPECT_EQ(a.policy.seen().at(0).identity.store_id, "store-2");
}

TEST_F(TcpTransportTest, AnotherSecretIsRefused) {
  a.options.cluster_secret = std::string(32, 's');
  b.options.cluster_secret = std::string(32, 't');
  a.Start();
  b.Start();

  a.Dial(b);

  EXPECT_TRUE(a.IsRefused(b, "different cluster secrets"));
  EXPECT_TRUE(b.policy.seen().empty()) << "whoever has not proven itself does not reach the policy";
}

TEST_F(TcpTransportTest, AMissingSecretIsRefusedOnEitherSide) {
  b.options.cluster_secret = std::string(32, 's');
  a.Start();
  b.Start();

  a.Dial(b);
  b.Dial(a);

  EXPECT_TRUE(a.IsRefused(b, "node 2 has a cluster secret and node 1 has none"));
  EXPECT_TRUE(b.IsRefused(a, "node 2 has a cluster secret and node 1 has none"));
}

TEST_F(TcpTransportTest, AForeignClusterIsRefused) {
  a.identity.cluster_id = "foreign";
  a.Start();
  b.Start();

  a.Dial(b);

  EXPECT_TRUE(a.IsRefused(b, "node 1 belongs to another cluster than node 2"));
  EXPECT_GE(b.metrics.Sum("transport_handshakes_refused_total"), 1);
}

TEST_F(TcpTransportTest, BeforeBootstrapAnotherMemberListIsRefused) {
  a.identity.cluster_id.clear();
  a.identity.bootstrap_hash = "other";
  a.Start();
  b.Start();

  a.Dial(b);

  EXPECT_TRUE(a.IsRefused(b, "initial members"));
}

TEST_F(TcpTransportTest, AnIdentitySetLaterCountsInLaterHandshakes) {
  a.identity.cluster_id = "foreign";
  a.Start();
  b.Start();
  a.Dial(b);
  ASSERT_TRUE(a.IsRefused(b, "another cluster"));

  a.transport->SetIdentity(IdentityOf(1));

  EXPECT_TRUE(a.Reaches(b));
}

TEST_F(TcpTransportTest, AnIdentitySetLaterCountsForThePeerThatComesNext) {
  std::atomic<int> refused = 0;
  b.options.on_link_event = [&](const LinkEvent& event) {
    if (event.kind == LinkEvent::Kind::kRefusedInbound) ++refused;
  };
  b.identity.cluster_id = "foreign";
  a.Start();
  b.Start();

  b.transport->SetIdentity(IdentityOf(2));
  a.Dial(b);

  EXPECT_TRUE(a.Reaches(b));
  EXPECT_EQ(refused, 0);
}

TEST_F(TcpTransportTest, AnotherNodeAtTheAddressIsRefused) {
  a.Start();
  b.Start();

  a.transport->SetPeer(NodeId(3), b.address());

  EXPECT_TRUE(a.IsRefused(TestNode(3), "this is node 2, not node 3"));
  EXPECT_FALSE(a.transport->Connected(NodeId(3)));
}

TEST_F(TcpTransportTest, TheAcceptorsPolicyMayRefuseAStore) {
  b.policy.RefuseStore("store-1", Error(ErrorCode::kPermissionDenied, "a wiped disk"));
  a.Start();
  b.Start();

  a.Dial(b);

  EXPECT_TRUE(a.IsRefused(b, "a wiped disk"));
  EXPECT_FALSE(a.transport->Connected(b.id));
}

TEST_F(TcpTransportTest, TheDialersPolicyMayRefuseAStore) {
  a.policy.RefuseStore("store-2", Error(ErrorCode::kPermissionDenied, "a wiped disk"));
  a.Start();
  b.Start();

  a.Dial(b);

  EXPECT_TRUE(a.IsRefused(b, "a wiped disk"));
  EXPECT_EQ(b.handler.count(), 0u);
}

TEST_F(TcpTransportTest, ARefusalThatIsLiftedLetsThePeerIn) {
  b.policy.RefuseStore("store-1", Error(ErrorCode::kUnavailable, "still loading"));
  a.Start();
  b.Start();
  a.Dial(b);
  ASSERT_TRUE(a.IsRefused(b, "still loading"));

  b.policy.RefuseStore("", Error(ErrorCode::kUnavailable, ""));

  EXPECT_TRUE(a.Reaches(b));
}

// --- Trouble ---

TEST_F(TcpTransportTest, ReconnectsAfterThePeerRestarts) {
  Connect();
  b.options.listen_address = b.address();
  b.transport->Stop();
  ASSERT_TRUE(Eventually([&] { return !a.transport->Connected(b.id); }));
  EXPECT_NE(a.transport->LastError(b.id), "");
  a.transport->Send(b.id, Channel::kControl, "dropped");
  EXPECT_GE(a.metrics.Sum("transport_messages_dropped_total"), 1);

  b.transport.reset();
  b.Start();

  EXPECT_TRUE(a.Reaches(b));
  a.transport->Send(b.id, Channel::kControl, "again");
  EXPECT_TRUE(Eventually([&] { return b.handler.count() == 1; }));
}

TEST_F(TcpTransportTest, APeerThatReachesUsEndsOurBackOff) {
  a.options.backoff_min = a.options.backoff_max = std::chrono::hours(1);
  a.Start();
  b.Start();
  const std::string address = b.address();
  b.transport->Stop();
  a.transport->SetPeer(b.id, address);
  ASSERT_TRUE(
      Eventually([&] { return a.transport->LastError(b.id).find(address) != std::string::npos; }));

  b.options.listen_address = address;
  b.transport.reset();
  b.Start();
  b.Dial(a);

  EXPECT_TRUE(a.Reaches(b));
}

TEST_F(TcpTransportTest, AFrozenPeerIsNoticedAndHurtsNoOther) {
  TestNode c(3);
  a.options.keepalive_interval = std::chrono::milliseconds(200);
  a.options.keepalive_timeout = std::chrono::milliseconds(200);
  a.Start();
  b.Start();
  c.Start();
  FreezableProxy proxy(b.port());
  a.transport->SetPeer(b.id, proxy.address());
  a.Dial(c);
  ASSERT_TRUE(a.Reaches(b));
  ASSERT_TRUE(a.Reaches(c));

  proxy.Freeze();
  auto stuck = a.Call(b, "x");

  EXPECT_EQ(a.Call(c, "y").get().value(), "re:y");
  EXPECT_TRUE(Eventually([&] { return !a.transport->Connected(b.id); }));
  EXPECT_EQ(CodeOf(stuck), ErrorCode::kOutcomeUnknown);
  proxy.Thaw();
  EXPECT_TRUE(a.Reaches(b));
}

TEST_F(TcpTransportTest, WhatDoesNotFitTheQueueOfAFrozenPeerIsDropped) {
  a.options.append_queue_bytes_max = a.options.forward_queue_bytes_max = 1 << 20;
  a.options.keepalive_interval = a.options.keepalive_timeout = std::chrono::minutes(1);
  a.Start();
  b.Start();
  FreezableProxy proxy(b.port());
  a.transport->SetPeer(b.id, proxy.address());
  ASSERT_TRUE(a.Reaches(b));

  proxy.Freeze();
  const std::string payload(200'000, 'x');
  ASSERT_TRUE(Eventually([&] {
    a.transport->Send(b.id, Channel::kAppend, payload);
    return a.metrics.Sum("transport_messages_dropped_total") >= 10;
  }));

  EXPECT_LE(a.metrics.Sum("transport_queue_bytes"), 1 << 20);
  EXPECT_GE(a.metrics.Sum("transport_bytes_dropped_total"), 10 * 200'000);
}

TEST_F(TcpTransportTest, APeerThatAcceptsButNeverSpeaksIsGivenUp) {
  a.options.handshake_timeout = std::chrono::milliseconds(100);
  a.Start();
  b.Start();
  FreezableProxy proxy(b.port());
  proxy.Freeze();

  a.transport->SetPeer(b.id, proxy.address());

  EXPECT_TRUE(a.IsRefused(b, "no handshake within 100ms"));
  proxy.Thaw();
  EXPECT_TRUE(a.Reaches(b));
}

TEST_F(TcpTransportTest, ARemovedPeerIsLeftAlone) {
  Connect();

  a.transport->RemovePeer(b.id);
  a.transport->Send(b.id, Channel::kControl, "nobody");

  EXPECT_FALSE(a.transport->Connected(b.id));
  EXPECT_EQ(a.metrics.Sum("transport_peer_connected"), 0);
}

TEST_F(TcpTransportTest, ANewAddressMovesTheLink) {
  Connect();
  TestNode moved(2);
  moved.Start();

  a.transport->SetPeer(b.id, moved.address());

  ASSERT_TRUE(a.Reaches(moved));
  a.transport->Send(b.id, Channel::kControl, "x");
  EXPECT_TRUE(Eventually([&] { return moved.handler.count() == 1; }));
  EXPECT_EQ(b.handler.count(), 0u);
}

TEST_F(TcpTransportTest, LinkEventsTellAnOperatorWhatHappens) {
  Mutex mutex;
  std::vector<LinkEvent::Kind> kinds;
  a.options.on_link_event = [&](const LinkEvent& event) {
    MutexLock lock(mutex);
    EXPECT_EQ(event.peer, NodeId(2));
    EXPECT_NE(event.detail, "");
    if (kinds.empty() || kinds.back() != event.kind) kinds.push_back(event.kind);
  };
  Connect();

  b.transport->Stop();

  EXPECT_TRUE(Eventually([&] {
    MutexLock lock(mutex);
    return kinds == std::vector{LinkEvent::Kind::kConnected, LinkEvent::Kind::kDisconnected,
                                LinkEvent::Kind::kDialFailed};
  }));
  a.transport->Stop();
}

TEST_F(TcpTransportTest, APortInUseIsAnErrorThatNamesIt) {
  b.Start();
  a.options.listen_address = b.address();

  const auto started =
      TcpTransport::Start(a.options, a.identity, a.handler, a.policy, a.clock, a.rng, a.metrics);

  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code(), ErrorCode::kIo);
  EXPECT_THAT(started.error().message(), HasSubstr(b.address()));
}

TEST_F(TcpTransportTest, OptionsThatContradictThemselvesAreRefused) {
  a.options.backoff_max = a.options.backoff_min / 2;

  const auto started =
      TcpTransport::Start(a.options, a.identity, a.handler, a.policy, a.clock, a.rng, a.metrics);

  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(TcpTransportTest, AQueueWithoutRoomForOneFrameIsRefused) {
  for (std::size_t TransportOptions::* const bound :
       {&TransportOptions::control_queue_bytes_max, &TransportOptions::append_queue_bytes_max,
        &TransportOptions::forward_queue_bytes_max, &TransportOptions::snapshot_queue_bytes_max}) {
    TransportOptions options = a.options;
    options.*bound = options.frame_bytes_max - 1;

    const auto started =
        TcpTransport::Start(options, a.identity, a.handler, a.policy, a.clock, a.rng, a.metrics);

    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(started.error().message(), HasSubstr("has no room for one frame"));
  }
}

TEST_F(TcpTransportTest, StoppingUnderTrafficIsSafe) {
  Connect();
  b.Dial(a);
  ASSERT_TRUE(b.Reaches(a));
  std::atomic<bool> stop = false;
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  std::thread sender([&] {
    while (!stop) {
      a.transport->Send(b.id, Channel::kAppend, std::string(1000, 'x'));
      ++begun;
      a.transport->Call(b.id, CallKind::kForward, "x", kNever,
                        [&](const Result<std::string>&) { ++ended; });
    }
  });
  ASSERT_TRUE(Eventually([&] { return ended > 100; }));

  b.transport->Stop();
  a.transport->Stop();
  stop = true;
  sender.join();

  EXPECT_EQ(begun, ended);
}

}  // namespace
}  // namespace seshat
