#include "seshat/service/cluster_state.h"

#include <algorithm>
#include <utility>

namespace seshat {

const ClusterMember* ClusterState::FindMember(NodeId node) const {
  const auto it = std::ranges::find(members, node, &ClusterMember::id);
  return it == members.end() ? nullptr : &*it;
}

bool ClusterState::WasRemoved(NodeId node) const {
  return std::ranges::binary_search(removed, node);
}

bool ClusterState::IsPlaced(NodeId node) const {
  return std::ranges::all_of(shards, [&](const ShardPlacement& shard) {
    return std::ranges::binary_search(shard.replicas, node);
  });
}

bool ClusterState::HasReplica(NodeId node) const {
  return std::ranges::any_of(shards, [&](const ShardPlacement& shard) {
    return std::ranges::binary_search(shard.replicas, node);
  });
}

std::vector<NodeId> ClusterState::DesiredVoters() const {
  std::vector<NodeId> desired;
  for (const ClusterMember& member : members) {
    if (!member.is_leaving) desired.push_back(member.id);
  }
  return desired;
}

bool ClusterState::operator==(const ClusterState& other) const {
  return cluster_id == other.cluster_id && membership_version == other.membership_version &&
         members == other.members && removed == other.removed &&
         shard_map_version == other.shard_map_version && shards == other.shards &&
         feature_level == other.feature_level &&
         limits.key_bytes_max == other.limits.key_bytes_max &&
         limits.value_bytes_max == other.limits.value_bytes_max;
}

ClusterState InitialClusterState(std::string cluster_id, std::vector<ClusterMember> members,
                                 const ReplicatedLimits& limits) {
  std::ranges::sort(members, {}, &ClusterMember::id);
  ShardPlacement shard;
  shard.slots = {{Slot(0), Slot(kSlotCount - 1)}};
  for (const ClusterMember& member : members) shard.replicas.push_back(member.id);
  return {.cluster_id = std::move(cluster_id),
          .membership_version = 1,
          .members = std::move(members),
          .removed = {},
          .shard_map_version = 1,
          .shards = {std::move(shard)},
          .feature_level = kFeatureLevelMin,
          .limits = limits};
}

ClusterState RefoundedClusterState(const ClusterState& former, std::string cluster_id,
                                   std::vector<ClusterMember> members) {
  ClusterState state;
  state.cluster_id = std::move(cluster_id);
  state.membership_version = former.membership_version + 1;
  state.members = std::move(members);
  std::ranges::sort(state.members, {}, &ClusterMember::id);
  state.shard_map_version = former.shard_map_version + 1;
  for (const ShardPlacement& shard : former.shards) {
    ShardPlacement placed;
    placed.group = shard.group;
    placed.slots = shard.slots;
    for (const ClusterMember& member : state.members) placed.replicas.push_back(member.id);
    state.shards.push_back(std::move(placed));
  }
  state.feature_level = former.feature_level;
  state.limits = former.limits;
  return state;
}

ClusterStateSource::ClusterStateSource() : state_(std::make_shared<const ClusterState>()) {}

std::shared_ptr<const ClusterState> ClusterStateSource::Get() const {
  MutexLock lock(mutex_);
  return state_;
}

void ClusterStateSource::Subscribe(Listener listener) {
  MutexLock lock(mutex_);
  listeners_.push_back(std::make_shared<const Listener>(std::move(listener)));
}

void ClusterStateSource::Publish(ClusterState state) {
  auto published = std::make_shared<const ClusterState>(std::move(state));
  std::vector<std::shared_ptr<const Listener>> listeners;
  {
    MutexLock lock(mutex_);
    state_ = published;
    version_.fetch_add(1, std::memory_order_release);
    listeners = listeners_;
  }
  for (const auto& listener : listeners) (*listener)(published);
}

}  // namespace seshat
