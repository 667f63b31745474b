// The handshake's rules, without the streams: what each side says, checks and proves.
//
//   dialer                              acceptor
//   Hello {who, to whom, nonce}   ->    CheckHello
//   CheckChallenge                <-    Challenge {who, nonce, proof}
//   Proof {proof}                 ->    CheckProof
//                                 <-    Welcome, or Refusal at any step
//
// Each proof is an HMAC over everything said so far under a label of its role, so that neither can
// be replayed, reflected or moved to another pair of nodes. Source: docs/adr/0009-peer-streams.md.
#pragma once

#include <cstdint>
#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/transport/handshake_policy.h"

namespace seshat {

namespace v1 {
class Challenge;
class Hello;
class Proof;
class Refusal;
}  // namespace v1

// Versions of peer.proto's dialogue, inclusive.
inline constexpr std::uint32_t kPeerProtocolMin = 1;
inline constexpr std::uint32_t kPeerProtocolMax = 1;

inline constexpr std::size_t kNonceBytes = 32;

// This end of a handshake.
struct LocalEnd {
  NodeId node_id;
  PeerIdentity identity;
  std::string cluster_secret;  // empty: none
  std::uint32_t protocol_min = kPeerProtocolMin;
  std::uint32_t protocol_max = kPeerProtocolMax;
};

// Fills everything but `channel`. `nonce`: kNonceBytes unpredictable bytes.
void FillHello(const LocalEnd& local, NodeId to, std::string nonce, v1::Hello& hello);

// The acceptor's checks of what a Hello claims; nothing is proven yet. On a join channel neither
// end needs to know the other's id or cluster. Errors: kPermissionDenied (an operator must act)
// with a reason for people; kCorruption for what
//         no honest peer sends.
Status CheckHello(const LocalEnd& local, const v1::Hello& hello);

// The acceptor's answer, with its proof. Pre: CheckHello passed.
void FillChallenge(const LocalEnd& local, const v1::Hello& hello, std::string nonce,
                   v1::Challenge& challenge);

// The dialer's checks, the acceptor's proof among them. Errors: as CheckHello.
Status CheckChallenge(const LocalEnd& local, const v1::Hello& hello,
                      const v1::Challenge& challenge);

// The dialer's proof.
void FillProof(const LocalEnd& local, const v1::Hello& hello, const v1::Challenge& challenge,
               v1::Proof& proof);

// Errors: as CheckHello.
Status CheckProof(const LocalEnd& local, const v1::Hello& hello, const v1::Challenge& challenge,
                  const v1::Proof& proof);

// What the other end said of itself, for the policy.
PeerHello DescribePeer(const v1::Hello& hello);
PeerHello DescribePeer(const v1::Challenge& challenge);

// A refusal on the wire, and back.
void FillRefusal(const Error& why, v1::Refusal& refusal);
Error ErrorOf(const v1::Refusal& refusal);

}  // namespace seshat
