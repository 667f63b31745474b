#include "handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "hmac.h"
#include "seshat/base/big_endian.h"
#include "seshat/v1/peer.pb.h"
#include "stream_kind.h"

namespace seshat {
namespace {

constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kReasonBytesMax = 1024;

std::unexpected<Error> Refuse(std::string why) {
  return MakeError(ErrorCode::kPermissionDenied, std::move(why));
}

std::unexpected<Error> Malformed(std::string why) {
  return MakeError(ErrorCode::kCorruption, "handshake: " + std::move(why));
}

// Both ends see the same messages in the same order. The length before each keeps bytes from moving
// between them; serialization is by field number, with fields that one end does not know after.
std::string Transcript(std::string_view label, const v1::Hello& hello,
                       const v1::Challenge& challenge, bool with_accept_proof) {
  v1::Challenge said = challenge;
  if (!with_accept_proof) said.clear_proof();
  std::string transcript(label);
  for (const google::protobuf::Message* message :
       {static_cast<const google::protobuf::Message*>(&hello),
        static_cast<const google::protobuf::Message*>(&said)}) {
    const std::string bytes = message->SerializeAsString();
    AppendBigEndian64(transcript, bytes.size());
    transcript += bytes;
  }
  return transcript;
}

std::string AcceptProof(const LocalEnd& local, const v1::Hello& hello,
                        const v1::Challenge& challenge) {
  if (local.cluster_secret.empty()) return {};
  return HmacSha256(local.cluster_secret, Transcript("seshat-accept", hello, challenge, false));
}

std::string ConnectProof(const LocalEnd& local, const v1::Hello& hello,
                         const v1::Challenge& challenge) {
  if (local.cluster_secret.empty()) return {};
  return HmacSha256(local.cluster_secret, Transcript("seshat-connect", hello, challenge, true));
}

Status CheckSecret(const LocalEnd& local, NodeId peer, const std::string& got,
                   const std::string& expected) {
  if (local.cluster_secret.empty() && !got.empty()) {
    return Refuse(fmt::format("node {} has a cluster secret and node {} has none", peer.value(),
                              local.node_id.value()));
  }
  if (!local.cluster_secret.empty() && got.empty()) {
    return Refuse(fmt::format("node {} has a cluster secret and node {} has none",
                              local.node_id.value(), peer.value()));
  }
  if (!EqualInConstantTime(got, expected)) {
    return Refuse(fmt::format("nodes {} and {} have different cluster secrets",
                              local.node_id.value(), peer.value()));
  }
  return {};
}

bool IsJoin(const v1::Hello& hello) {
  return hello.channel() == v1::PEER_CHANNEL_JOIN;
}

Status CheckIdentity(const LocalEnd& local, const PeerHello& peer, bool is_join) {
  const PeerIdentity& mine = local.identity;
  const PeerIdentity& theirs = peer.identity;
  if (theirs.store_id.empty()) return Malformed("no store id");
  if (std::max({theirs.store_id.size(), theirs.cluster_id.size(), theirs.bootstrap_hash.size()}) >
      kIdBytesMax) {
    return Malformed("an id over 256 bytes");
  }
  if (!mine.cluster_id.empty() && !theirs.cluster_id.empty()) {
    if (mine.cluster_id == theirs.cluster_id) return {};
    return Refuse(fmt::format("node {} belongs to another cluster than node {}",
                              peer.node_id.value(), local.node_id.value()));
  }
  if (is_join || mine.bootstrap_hash == theirs.bootstrap_hash) return {};
  return Refuse(
      fmt::format("nodes {} and {} were given different lists of initial members (or cluster "
                  "names)",
                  local.node_id.value(), peer.node_id.value()));
}

}  // namespace

void FillHello(const LocalEnd& local, NodeId to, std::string nonce, v1::Hello& hello) {
  hello.set_protocol_min(local.protocol_min);
  hello.set_protocol_max(local.protocol_max);
  hello.set_node_id(local.node_id.value());
  hello.set_to_node_id(to.value());
  hello.set_store_id(local.identity.store_id);
  hello.set_cluster_id(local.identity.cluster_id);
  hello.set_bootstrap_hash(local.identity.bootstrap_hash);
  hello.set_nonce(std::move(nonce));
  hello.set_feature_level_min(local.identity.feature_level_min.value());
  hello.set_feature_level_max(local.identity.feature_level_max.value());
}

Status CheckHello(const LocalEnd& local, const v1::Hello& hello) {
  if (hello.protocol_min() > local.protocol_max || hello.protocol_max() < local.protocol_min) {
    return Refuse(fmt::format("node {} speaks peer protocol {} to {}, node {} speaks {} to {}",
                              hello.node_id(), hello.protocol_min(), hello.protocol_max(),
                              local.node_id.value(), local.protocol_min, local.protocol_max));
  }
  if (hello.nonce().size() != kNonceBytes) return Malformed("a nonce that is not 32 bytes");
  if (!StreamKindOf(hello.channel())) {
    return Malformed(fmt::format("unknown channel {}", static_cast<int>(hello.channel())));
  }
  const bool is_for_anyone = IsJoin(hello) && hello.to_node_id() == 0;
  if (hello.to_node_id() != local.node_id.value() && !is_for_anyone) {
    return Refuse(fmt::format("this is node {}, not node {}: check the addresses",
                              local.node_id.value(), hello.to_node_id()));
  }
  if (hello.node_id() == 0) return Malformed("node id 0");
  if (hello.node_id() == local.node_id.value()) {
    return Refuse(fmt::format("two nodes have the id {}", local.node_id.value()));
  }
  return CheckIdentity(local, DescribePeer(hello), IsJoin(hello));
}

void FillChallenge(const LocalEnd& local, const v1::Hello& hello, std::string nonce,
                   v1::Challenge& challenge) {
  challenge.set_protocol(std::min(local.protocol_max, hello.protocol_max()));
  challenge.set_node_id(local.node_id.value());
  challenge.set_store_id(local.identity.store_id);
  challenge.set_cluster_id(local.identity.cluster_id);
  challenge.set_nonce(std::move(nonce));
  challenge.set_bootstrap_hash(local.identity.bootstrap_hash);
  challenge.set_feature_level_min(local.identity.feature_level_min.value());
  challenge.set_feature_level_max(local.identity.feature_level_max.value());
  challenge.set_proof(AcceptProof(local, hello, challenge));
}

Status CheckChallenge(const LocalEnd& local, const v1::Hello& hello,
                      const v1::Challenge& challenge) {
  if (challenge.protocol() < local.protocol_min || challenge.protocol() > local.protocol_max) {
    return Malformed(fmt::format("protocol {} was not offered", challenge.protocol()));
  }
  if (challenge.nonce().size() != kNonceBytes) return Malformed("a nonce that is not 32 bytes");
  if (challenge.node_id() != hello.to_node_id() && !(IsJoin(hello) && hello.to_node_id() == 0)) {
    return Refuse(fmt::format("node {} answers at the address of node {}", challenge.node_id(),
                              hello.to_node_id()));
  }
  const PeerHello peer = DescribePeer(challenge);
  if (Status checked = CheckIdentity(local, peer, IsJoin(hello)); !checked) return checked;
  return CheckSecret(local, peer.node_id, challenge.proof(), AcceptProof(local, hello, challenge));
}

void FillProof(const LocalEnd& local, const v1::Hello& hello, const v1::Challenge& challenge,
               v1::Proof& proof) {
  proof.set_proof(ConnectProof(local, hello, challenge));
}

Status CheckProof(const LocalEnd& local, const v1::Hello& hello, const v1::Challenge& challenge,
                  const v1::Proof& proof) {
  return CheckSecret(local, NodeId(hello.node_id()), proof.proof(),
                     ConnectProof(local, hello, challenge));
}

PeerHello DescribePeer(const v1::Hello& hello) {
  return {.node_id = NodeId(hello.node_id()),
          .identity = {.store_id = hello.store_id(),
                       .cluster_id = hello.cluster_id(),
                       .bootstrap_hash = hello.bootstrap_hash(),
                       .feature_level_min = FeatureLevel(hello.feature_level_min()),
                       .feature_level_max = FeatureLevel(hello.feature_level_max())}};
}

PeerHello DescribePeer(const v1::Challenge& challenge) {
  return {.node_id = NodeId(challenge.node_id()),
          .identity = {.store_id = challenge.store_id(),
                       .cluster_id = challenge.cluster_id(),
                       .bootstrap_hash = challenge.bootstrap_hash(),
                       .feature_level_min = FeatureLevel(challenge.feature_level_min()),
                       .feature_level_max = FeatureLevel(challenge.feature_level_max())}};
}

void FillRefusal(const Error& why, v1::Refusal& refusal) {
  // A policy's words may quote raw ids, and a proto3 string must be valid UTF-8 to arrive at all.
  std::string reason = why.message().substr(0, kReasonBytesMax);
  for (char& byte : reason) {
    if (byte < ' ' || byte > '~') byte = '?';
  }
  refusal.set_reason(std::move(reason));
  refusal.set_permanent(why.code() == ErrorCode::kPermissionDenied);
}

Error ErrorOf(const v1::Refusal& refusal) {
  return Error(refusal.permanent() ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable,
               "refused by the peer: " + refusal.reason().substr(0, kReasonBytesMax));
}

}  // namespace seshat
