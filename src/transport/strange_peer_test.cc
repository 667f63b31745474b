// Peers that do not behave as one of ours: what they say by hand, and what the transport makes of
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include "handshake.h"
#include "seshat/base/big_endian.h"
#include "seshat/v1/peer.pb.h"
#include "transport_test_node.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;
using StrangePeerTest = TransportPairTest;

std::string LengthPrefix(std::size_t bytes) {
  std::string prefix(4, '\0');
  WriteBigEndian32(static_cast<std::uint32_t>(bytes), prefix.data());
  return prefix;
}

// Speaks to a transport by hand.
struct RawPeer {
  explicit RawPeer(const TestNode& target) {
    socket.connect({asio::ip::address_v4::loopback(), target.port()});
  }

  void WriteBytes(const std::string& bytes) {
    asio::error_code ignored;  // the other end may have hung up already
    asio::write(socket, asio::buffer(bytes), ignored);
  }
  void Write(const v1::PeerMessage& message) {
    const std::string bytes = message.SerializeAsString();
    WriteBytes(LengthPrefix(bytes.size()) + bytes);
  }
  void WriteHello(std::uint32_t protocol_min, std::uint32_t protocol_max,
                  v1::PeerChannel channel = v1::PEER_CHANNEL_APPEND) {
    const LocalEnd local{.node_id = NodeId(1),
                         .identity = IdentityOf(1),
                         .cluster_secret = "",
                         .protocol_min = protocol_min,
                         .protocol_max = protocol_max};
    v1::PeerMessage message;
    FillHello(local, NodeId(2), std::string(kNonceBytes, 'n'), *message.mutable_hello());
    message.mutable_hello()->set_channel(channel);
    Write(message);
  }
  // Up to Welcome, without a secret.
  void Enter(v1::PeerChannel channel = v1::PEER_CHANNEL_APPEND) {
    WriteHello(kPeerProtocolMin, kPeerProtocolMax, channel);
    ASSERT_TRUE(Read().has_challenge());
    v1::PeerMessage message;
    message.mutable_proof();
    Write(message);
    ASSERT_TRUE(Read().has_welcome());
  }
  // The next message that says something; nothing in it at the end.
  v1::PeerMessage Read() {
    v1::PeerMessage message;
    while (message.kind_case() == v1::PeerMessage::KIND_NOT_SET) {
      std::string bytes = ReadBytes(4);
      if (bytes.empty()) break;
      bytes = ReadBytes(ReadBigEndian32(bytes));
      message.ParseFromString(bytes);
    }
    return message;
  }
  std::string ReadBytes(std::size_t count) {
    std::string bytes(count, '\0');
    asio::error_code error;
    asio::read(socket, asio::buffer(bytes), error);
    return error ? std::string() : bytes;
  }
  bool IsClosed() {
    while (Read().kind_case() != v1::PeerMessage::KIND_NOT_SET) {
    }
    return true;
  }

  asio::io_context io;
  asio::ip::tcp::socket socket{io};
};

v1::PeerMessage FrameMessage(std::string payload, bool more) {
  v1::PeerMessage message;
  v1::Frame* frame = message.mutable_frames()->add_frames();
  frame->set_payload(std::move(payload));
  frame->set_more(more);
  return message;
}

TEST_F(StrangePeerTest, APeerOfANewerProtocolOnlyIsRefusedForGood) {
  b.Start();
  RawPeer raw(b);

  raw.WriteHello(kPeerProtocolMax + 1, kPeerProtocolMax + 1);
  const v1::PeerMessage answer = raw.Read();

  ASSERT_TRUE(answer.has_refusal());
  EXPECT_TRUE(answer.refusal().permanent());
  EXPECT_THAT(answer.refusal().reason(), HasSubstr("peer protocol"));
  EXPECT_TRUE(raw.IsClosed());
}

TEST_F(StrangePeerTest, FramesBeforeTheHandshakeReachNobody) {
  b.Start();
  RawPeer raw(b);

  raw.Write(FrameMessage("sneaky", false));

  EXPECT_TRUE(raw.Read().has_refusal());
  EXPECT_TRUE(raw.IsClosed());
  EXPECT_EQ(b.handler.count(), 0u);
  EXPECT_EQ(b.metrics.Sum("transport_protocol_errors_total"), 1);
}

TEST_F(StrangePeerTest, FramesInsteadOfAProofReachNobody) {
  b.options.cluster_secret = std::string(32, 's');
  b.Start();
  RawPeer raw(b);
  raw.WriteHello(kPeerProtocolMin, kPeerProtocolMax);
  ASSERT_TRUE(raw.Read().has_challenge());

  raw.Write(FrameMessage("sneaky", false));

  EXPECT_TRUE(raw.Read().has_refusal());
  EXPECT_TRUE(raw.IsClosed());
  EXPECT_EQ(b.handler.count(), 0u);
}

TEST_F(StrangePeerTest, FramesThatBelongToNoCallCloseAStreamOfCalls) {
  b.Start();
  for (const v1::PeerChannel channel : {v1::PEER_CHANNEL_FORWARD, v1::PEER_CHANNEL_SNAPSHOT}) {
    RawPeer raw(b);
    raw.Enter(channel);

    raw.Write(FrameMessage("a message", false));

    ASSERT_THAT(raw.Read().refusal().reason(), HasSubstr("does not belong on its channel"));
    EXPECT_TRUE(raw.IsClosed());
  }
  EXPECT_EQ(b.handler.count(), 0u);
}

TEST_F(StrangePeerTest, AChannelThatIsNotKnownIsRefused) {
  b.Start();
  RawPeer raw(b);

  raw.WriteHello(kPeerProtocolMin, kPeerProtocolMax,
                 static_cast<v1::PeerChannel>(v1::PEER_CHANNEL_JOIN + 1));

  EXPECT_THAT(raw.Read().refusal().reason(), HasSubstr("unknown channel 6"));
  EXPECT_TRUE(raw.IsClosed());
}

TEST_F(StrangePeerTest, APayloadThatGrowsOverTheLimitClosesTheStream) {
  b.options.payload_bytes_max = 100'000;
  b.Start();
  RawPeer raw(b);
  raw.Enter();

  for (int i = 0; i < 3; ++i) raw.Write(FrameMessage(std::string(50'000, 'x'), true));
  const v1::PeerMessage answer = raw.Read();

  EXPECT_THAT(answer.refusal().reason(), HasSubstr("over the limit of 100000 bytes"));
  EXPECT_TRUE(raw.IsClosed());
  EXPECT_EQ(b.handler.count(), 0u);
}

TEST_F(StrangePeerTest, AMessageOverTheFrameLimitClosesTheStream) {
  b.options.frame_bytes_max = 10'000;
  b.Start();
  RawPeer raw(b);
  raw.Enter();

  raw.Write(FrameMessage(std::string(200'000, 'x'), false));

  EXPECT_TRUE(raw.IsClosed());
  EXPECT_EQ(b.handler.count(), 0u);
}

TEST_F(StrangePeerTest, ASecondStreamOfAPeerReplacesTheFirst) {
  b.Start();
  RawPeer first(b);
  first.Enter();
  RawPeer second(b);
  second.Enter();

  EXPECT_TRUE(first.IsClosed());
  second.Write(FrameMessage("still here", false));

  EXPECT_TRUE(Eventually([&] { return b.handler.count() == 1; }));
}

TEST_F(StrangePeerTest, HandshakesOverTheirNumberWaitAtTheDoor) {
  b.options.inbound_handshakes_max = 1;
  b.options.handshake_timeout = std::chrono::milliseconds(200);
  a.Start();
  b.Start();
  RawPeer silent(b);
  RawPeer second(b);

  second.Enter();

  silent.socket.non_blocking(true);
  asio::error_code error;
  char byte = 0;
  silent.socket.read_some(asio::buffer(&byte, 1), error);
  EXPECT_EQ(error, asio::error::eof) << "the second was heard while the first had the only place";
  a.Dial(b);

  EXPECT_TRUE(a.Reaches(b));
}

TEST_F(StrangePeerTest, SignsOfLifeKeepAQuietStream) {
  b.options.keepalive_interval = std::chrono::milliseconds(200);
  b.options.keepalive_timeout = std::chrono::milliseconds(800);
  b.Start();
  RawPeer raw(b);
  raw.Enter();
  const std::string sign(4, '\0');

  for (int i = 0; i < 8; ++i) {  // 1.6 s, longer than the silence that ends a stream
    ASSERT_EQ(raw.ReadBytes(sign.size()), sign);
    raw.WriteBytes(sign);
  }
  raw.Write(FrameMessage("still here", false));

  EXPECT_TRUE(Eventually([&] { return b.handler.count() == 1; }));
}

TEST_F(StrangePeerTest, AStreamThatFallsSilentIsClosed) {
  b.options.keepalive_interval = b.options.keepalive_timeout = std::chrono::milliseconds(50);
  b.Start();
  RawPeer raw(b);
  raw.Enter();

  EXPECT_TRUE(raw.IsClosed());
}

TEST_F(StrangePeerTest, AStreamThatNeverSaysHelloIsClosed) {
  b.options.handshake_timeout = std::chrono::milliseconds(50);
  b.Start();
  RawPeer raw(b);

  EXPECT_TRUE(raw.IsClosed());
}

TEST_F(StrangePeerTest, BytesThatAreNoMessageCloseTheStreamAndHurtNobody) {
  Connect();
  Random random(7);

  for (int i = 0; i < 50; ++i) {
    RawPeer raw(b);
    std::string junk(1 + random.Below(200), '\0');
    for (char& byte : junk) byte = static_cast<char>(random.Next());
    if (i % 2 == 0) junk = LengthPrefix(junk.size()) + junk;  // else most are over the limit
    raw.WriteBytes(junk);
    raw.socket.shutdown(asio::ip::tcp::socket::shutdown_send);
    EXPECT_TRUE(raw.IsClosed());
  }

  EXPECT_EQ(a.Call(b, "x").get().value(), "re:x");
}

}  // namespace
}  // namespace seshat
