#include "handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seshat/v1/peer.pb.h"

namespace seshat {
namespace {

using ::testing::HasSubstr;

LocalEnd MakeEnd(std::uint64_t node, std::string secret = "") {
  return {.node_id = NodeId(node),
          .identity = {.store_id = "store-" + std::to_string(node),
                       .cluster_id = "cluster",
                       .bootstrap_hash = "hash"},
          .cluster_secret = std::move(secret)};
}

std::string Nonce(char fill) {
  return std::string(kNonceBytes, fill);
}

v1::Hello MakeHello(const LocalEnd& from, std::uint64_t to) {
  v1::Hello hello;
  FillHello(from, NodeId(to), Nonce('d'), hello);
  hello.set_channel(v1::PEER_CHANNEL_CONTROL);
  return hello;
}

v1::Challenge MakeChallenge(const LocalEnd& acceptor, const v1::Hello& hello) {
  v1::Challenge challenge;
  FillChallenge(acceptor, hello, Nonce('a'), challenge);
  return challenge;
}

v1::Proof MakeProof(const LocalEnd& dialer, const v1::Hello& hello,
                    const v1::Challenge& challenge) {
  v1::Proof proof;
  FillProof(dialer, hello, challenge, proof);
  return proof;
}

void ExpectRefused(const Status& status, const std::string& why) {
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(status.error().message(), HasSubstr(why));
}

TEST(HandshakeTest, TwoEndsWithTheSameSecretAgree) {
  const LocalEnd dialer = MakeEnd(1, "secret");
  const LocalEnd acceptor = MakeEnd(2, "secret");

  const v1::Hello hello = MakeHello(dialer, 2);
  EXPECT_TRUE(CheckHello(acceptor, hello));
  const v1::Challenge challenge = MakeChallenge(acceptor, hello);
  EXPECT_TRUE(CheckChallenge(dialer, hello, challenge));
  const v1::Proof proof = MakeProof(dialer, hello, challenge);
  EXPECT_TRUE(CheckProof(acceptor, hello, challenge, proof));

  EXPECT_EQ(challenge.proof().size(), 32u);
  EXPECT_EQ(proof.proof().size(), 32u);
}

TEST(HandshakeTest, WithoutASecretBothProofsAreEmpty) {
  const v1::Hello hello = MakeHello(MakeEnd(1), 2);
  const v1::Challenge challenge = MakeChallenge(MakeEnd(2), hello);

  EXPECT_TRUE(CheckChallenge(MakeEnd(1), hello, challenge));
  EXPECT_TRUE(challenge.proof().empty());
  EXPECT_TRUE(MakeProof(MakeEnd(1), hello, challenge).proof().empty());
}

TEST(HandshakeTest, TheDialerRefusesAnAcceptorWithAnotherSecretOrNone) {
  const LocalEnd dialer = MakeEnd(1, "secret");
  const v1::Hello hello = MakeHello(dialer, 2);

  ExpectRefused(CheckChallenge(dialer, hello, MakeChallenge(MakeEnd(2, "other"), hello)),
                "different cluster secrets");
  ExpectRefused(CheckChallenge(dialer, hello, MakeChallenge(MakeEnd(2), hello)),
                "node 1 has a cluster secret and node 2 has none");
  ExpectRefused(CheckChallenge(MakeEnd(1), hello, MakeChallenge(MakeEnd(2, "secret"), hello)),
                "node 2 has a cluster secret and node 1 has none");
}

TEST(HandshakeTest, TheAcceptorRefusesADialerWithAnotherSecretOrNone) {
  const LocalEnd acceptor = MakeEnd(2, "secret");
  const v1::Hello hello = MakeHello(MakeEnd(1), 2);
  const v1::Challenge challenge = MakeChallenge(acceptor, hello);

  ExpectRefused(
      CheckProof(acceptor, hello, challenge, MakeProof(MakeEnd(1, "other"), hello, challenge)),
      "different cluster secrets");
  ExpectRefused(CheckProof(acceptor, hello, challenge, MakeProof(MakeEnd(1), hello, challenge)),
                "has none");
}

TEST(HandshakeTest, TheAcceptorsOwnProofSentBackIsNoProof) {
  const LocalEnd acceptor = MakeEnd(2, "secret");
  const v1::Hello hello = MakeHello(MakeEnd(1), 2);
  const v1::Challenge challenge = MakeChallenge(acceptor, hello);
  v1::Proof reflected;
  reflected.set_proof(challenge.proof());

  ExpectRefused(CheckProof(acceptor, hello, challenge, reflected), "different cluster secrets");
}

TEST(HandshakeTest, AProofHoldsForItsOwnTranscriptOnly) {
  const LocalEnd dialer = MakeEnd(1, "secret");
  const LocalEnd acceptor = MakeEnd(2, "secret");
  const v1::Hello hello = MakeHello(dialer, 2);
  const v1::Challenge challenge = MakeChallenge(acceptor, hello);
  const v1::Proof proof = MakeProof(dialer, hello, challenge);

  v1::Challenge later;
  FillChallenge(acceptor, hello, Nonce('b'), later);
  v1::Hello forged = hello;
  forged.set_store_id("another store");

  ExpectRefused(CheckProof(acceptor, hello, later, proof), "different cluster secrets");
  ExpectRefused(CheckProof(acceptor, forged, challenge, proof), "different cluster secrets");
}

TEST(HandshakeTest, RefusesAProtocolRangeThatDoesNotOverlap) {
  LocalEnd newer = MakeEnd(1);
  newer.protocol_min = kPeerProtocolMax + 1;
  newer.protocol_max = kPeerProtocolMax + 2;

  ExpectRefused(CheckHello(MakeEnd(2), MakeHello(newer, 2)), "peer protocol");
}

TEST(HandshakeTest, TheHighestCommonProtocolIsChosen) {
  LocalEnd newer = MakeEnd(1);
  newer.protocol_max = kPeerProtocolMax + 5;
  const v1::Hello hello = MakeHello(newer, 2);

  EXPECT_TRUE(CheckHello(MakeEnd(2), hello));
  EXPECT_EQ(MakeChallenge(MakeEnd(2), hello).protocol(), kPeerProtocolMax);
}

TEST(HandshakeTest, RefusesAHelloForAnotherNodeOrFromItsOwnId) {
  ExpectRefused(CheckHello(MakeEnd(2), MakeHello(MakeEnd(1), 3)), "this is node 2, not node 3");
  ExpectRefused(CheckHello(MakeEnd(2), MakeHello(MakeEnd(2), 2)), "two nodes have the id 2");
}

TEST(HandshakeTest, TheDialerRefusesAnotherNodeAtTheAddress) {
  const v1::Hello hello = MakeHello(MakeEnd(1), 2);

  ExpectRefused(CheckChallenge(MakeEnd(1), hello, MakeChallenge(MakeEnd(3), hello)),
                "node 3 answers at the address of node 2");
}

TEST(HandshakeTest, KnownClusterIdsMustBeEqualWhateverTheBootstrapHash) {
  LocalEnd dialer = MakeEnd(1);
  dialer.identity.bootstrap_hash = "other";
  EXPECT_TRUE(CheckHello(MakeEnd(2), MakeHello(dialer, 2)));

  dialer.identity.cluster_id = "foreign";
  ExpectRefused(CheckHello(MakeEnd(2), MakeHello(dialer, 2)), "another cluster");
}

TEST(HandshakeTest, BootstrapHashesCountWhileAClusterIdIsMissing) {
  LocalEnd dialer = MakeEnd(1);
  dialer.identity.cluster_id.clear();
  EXPECT_TRUE(CheckHello(MakeEnd(2), MakeHello(dialer, 2)));

  dialer.identity.bootstrap_hash = "other";
  ExpectRefused(CheckHello(MakeEnd(2), MakeHello(dialer, 2)), "initial members");
}

TEST(HandshakeTest, MalformedHellosAreCorruption) {
  const v1::Hello good = MakeHello(MakeEnd(1), 2);
  const auto code_of = [](const v1::Hello& hello) {
    const Status checked = CheckHello(MakeEnd(2), hello);
    return checked ? ErrorCode::kNotFound : checked.error().code();
  };
  v1::Hello short_nonce = good;
  short_nonce.set_nonce("short");
  v1::Hello no_channel = good;
  no_channel.set_channel(v1::PEER_CHANNEL_UNSPECIFIED);
  v1::Hello no_store = good;
  no_store.clear_store_id();
  v1::Hello nobody = good;
  nobody.set_node_id(0);

  for (const v1::Hello& hello : {short_nonce, no_channel, no_store, nobody}) {
    EXPECT_EQ(code_of(hello), ErrorCode::kCorruption) << hello.ShortDebugString();
  }
}

TEST(HandshakeTest, ARefusalCrossesTheWireAsTextWithItsPermanence) {
  v1::Refusal refusal;
  FillRefusal(Error(ErrorCode::kPermissionDenied, "store \xff is not known"), refusal);

  EXPECT_TRUE(refusal.permanent());
  EXPECT_EQ(refusal.reason(), "store ? is not known");
  EXPECT_EQ(ErrorOf(refusal).code(), ErrorCode::kPermissionDenied);
}

}  // namespace
}  // namespace seshat
