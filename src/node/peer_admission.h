// PeerAdmission: which peers this node speaks with, beyond what the transport checks itself.
//
// It guards against wiped disks: a node that lost its data may vote again in a term in which it
// has voted. So each node remembers, durably, the store id that a peer came with first, and
// refuses the same node id with another (docs/adr/0008-feature-levels-and-bootstrap.md).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/service/cluster_state.h"
#include "seshat/transport/handshake_policy.h"

namespace seshat {

// Whether `text` is, or contains, the refusal of a node whose store id has changed. It crosses the
// wire as text; a node that does not recognise it only waits where it could have stopped.
bool IsWipedDiskRefusal(std::string_view text);

// The same of a node that was removed: it has nothing to wait for.
bool IsRemovalRefusal(std::string_view text);

// Threads: thread-safe.
class PeerAdmission final : public HandshakePolicy {
 public:
  // `remember` gives the store id on record for a peer, after making the given one the record if
  // there was none; durable at return (StorageEngine::RememberPeer). It is asked once per peer and
  // start, so its one sync on a transport thread does not add up.
  using Remember = std::function<Result<std::string>(NodeId peer, std::string_view store_id)>;

  // While `cluster` is not bootstrapped here, `founders` may connect, and whoever shows the cluster
  // id that this node has. Lifetime: `cluster` outlives it.
  PeerAdmission(NodeId self, std::vector<NodeId> founders, const ClusterStateSource& cluster,
                Remember remember);

  // This node belongs to that cluster, of which it may know nothing else yet.
  void SetClusterId(std::string cluster_id) SESHAT_EXCLUDES(mutex_);

  Status Admit(const PeerHello& peer) override SESHAT_EXCLUDES(mutex_);

  // The cluster id that `peer` last showed us; empty when it has none, or has not been met.
  std::string ClusterIdOf(NodeId peer) const SESHAT_EXCLUDES(mutex_);

 private:
  Status CheckMember(const PeerHello& peer, const ClusterState& state) const
      SESHAT_EXCLUDES(mutex_);
  bool MayConnectBefore(const PeerHello& peer) const SESHAT_EXCLUDES(mutex_);
  Status CheckStoreId(const PeerHello& peer) SESHAT_EXCLUDES(mutex_);

  const NodeId self_;
  const std::vector<NodeId> founders_;
  const ClusterStateSource& cluster_;
  const Remember remember_;

  mutable Mutex mutex_;
  std::string cluster_id_ SESHAT_GUARDED_BY(mutex_);
  std::map<NodeId, std::string> recorded_store_ids_ SESHAT_GUARDED_BY(mutex_);
  std::map<NodeId, std::string> cluster_ids_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
