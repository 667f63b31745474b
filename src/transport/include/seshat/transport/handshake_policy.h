// What a node says of itself to its peers, and whom it lets in.
#pragma once

#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// What this node says of itself in every handshake.
struct PeerIdentity {
  std::string store_id;        // random bytes made with the data directory; never empty
  std::string cluster_id;      // empty before bootstrap
  std::string bootstrap_hash;  // of the founding member list; compared while an id is missing
  FeatureLevel feature_level_min = kFeatureLevelMin;
  FeatureLevel feature_level_max = kFeatureLevelMax;
};

// What the other end said of itself.
struct PeerHello {
  NodeId node_id;
  PeerIdentity identity;
};

// Membership's word in a handshake, on both ends: asked after the transport has checked protocol
// versions, node ids, cluster id or bootstrap hash, and the proof of the cluster secret.
// Threads: called on transport threads, concurrently; must not block.
class HandshakePolicy {
 public:
  virtual ~HandshakePolicy() = default;

  // Whether to speak with this peer. It is asked once for each stream but those of nodes that join.
  // Errors: any refuses. kPermissionDenied tells the peer that trying again will not help until an
  //         operator acts; the message reaches the peer, so it should say what to do.
  virtual Status Admit(const PeerHello& peer) = 0;
};

}  // namespace seshat
