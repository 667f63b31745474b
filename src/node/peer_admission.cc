#include "peer_admission.h"

#include <fmt/format.h>

#include <algorithm>

namespace seshat {
namespace {

std::unexpected<Error> Refuse(std::string message) {
  return MakeError(ErrorCode::kPermissionDenied, std::move(message));
}

constexpr std::string_view kWipedDisk = "is known with another store id";
constexpr std::string_view kRemoved = "was removed from this cluster";

Error WipedDisk(NodeId node) {
  return Error(ErrorCode::kPermissionDenied,
               fmt::format("node {} {}: its disk was wiped or swapped, so it may have forgotten "
                           "votes and writes; start it with the data directory it had, or replace "
                           "it on purpose",
                           node.value(), kWipedDisk));
}

}  // namespace

bool IsWipedDiskRefusal(std::string_view text) {
  return text.find(kWipedDisk) != std::string_view::npos;
}

bool IsRemovalRefusal(std::string_view text) {
  return text.find(kRemoved) != std::string_view::npos;
}

PeerAdmission::PeerAdmission(NodeId self, std::vector<NodeId> founders,
                             const ClusterStateSource& cluster, Remember remember)
    : self_(self),
      founders_(std::move(founders)),
      cluster_(cluster),
      remember_(std::move(remember)) {}

Status PeerAdmission::Admit(const PeerHello& peer) {
  const std::shared_ptr<const ClusterState> state = cluster_.Get();
  if (std::ranges::count(founders_, peer.node_id) > 0) {
    // Noted even of a peer that is refused: a node that is about to found must know of it.
    const MutexLock lock(mutex_);
    cluster_ids_[peer.node_id] = peer.identity.cluster_id;
  }
  if (Status checked = CheckMember(peer, *state); !checked) return checked;
  return CheckStoreId(peer);
}

void PeerAdmission::SetClusterId(std::string cluster_id) {
  const MutexLock lock(mutex_);
  cluster_id_ = std::move(cluster_id);
}

std::string PeerAdmission::ClusterIdOf(NodeId peer) const {
  const MutexLock lock(mutex_);
  const auto known = cluster_ids_.find(peer);
  return known == cluster_ids_.end() ? "" : known->second;
}

Status PeerAdmission::CheckMember(const PeerHello& peer, const ClusterState& state) const {
  if (peer.node_id == self_) {
    return Refuse(fmt::format("node {} is this node's own id: two nodes are configured with it",
                              self_.value()));
  }
  if (!state.IsBootstrapped()) {
    if (MayConnectBefore(peer)) return {};
    return Refuse(
        founders_.empty()
            ? fmt::format("node {} has not joined a cluster yet", self_.value())
            : fmt::format("node {} is not in initial_members here", peer.node_id.value()));
  }
  if (state.WasRemoved(peer.node_id)) {
    return Refuse(
        fmt::format("node {} {}: what its disk holds may be given up, and it joins again "
                    "only with an empty data directory and a new id",
                    peer.node_id.value(), kRemoved));
  }
  const ClusterMember* const member = state.FindMember(peer.node_id);
  if (member == nullptr) {
    return Refuse(fmt::format("node {} is not a member of this cluster", peer.node_id.value()));
  }
  if (!member->store_id.empty() && member->store_id != peer.identity.store_id) {
    return std::unexpected(WipedDisk(peer.node_id));
  }
  if (peer.identity.feature_level_max < state.feature_level ||
      peer.identity.feature_level_min > state.feature_level) {
    return Refuse(fmt::format(
        "node {} knows feature levels {} to {}, the cluster is at {}: run a version that knows it",
        peer.node_id.value(), peer.identity.feature_level_min.value(),
        peer.identity.feature_level_max.value(), state.feature_level.value()));
  }
  return {};
}

// Before this node knows the members.
bool PeerAdmission::MayConnectBefore(const PeerHello& peer) const {
  if (std::ranges::count(founders_, peer.node_id) > 0) return true;
  const MutexLock lock(mutex_);
  return !cluster_id_.empty() && cluster_id_ == peer.identity.cluster_id;
}

Status PeerAdmission::CheckStoreId(const PeerHello& peer) {
  std::string recorded;
  {
    const MutexLock lock(mutex_);
    const auto known = recorded_store_ids_.find(peer.node_id);
    if (known != recorded_store_ids_.end()) recorded = known->second;
  }
  if (recorded.empty()) {
    Result<std::string> remembered = remember_(peer.node_id, peer.identity.store_id);
    if (!remembered) return std::unexpected(remembered.error());
    recorded = *std::move(remembered);
    const MutexLock lock(mutex_);
    recorded_store_ids_[peer.node_id] = recorded;
  }
  if (recorded != peer.identity.store_id) return std::unexpected(WipedDisk(peer.node_id));
  return {};
}

}  // namespace seshat
