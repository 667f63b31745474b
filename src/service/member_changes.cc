#include "member_changes.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

Reply Refusal(std::string why) {
  return Reply::Error("ERR " + std::move(why));
}

Reply Later(const std::string& why) {
  return Reply::Error(std::string(kTryAgain) + why);
}

Reply OneAtATime(const std::string& other) {
  return Later("one change of members at a time: " + other);
}

// Why no change of members but `but`'s may begin now.
std::optional<std::string> ChangeUnderWay(const ClusterState& state, NodeId but = kNoNode) {
  for (const ClusterMember& member : state.members) {
    if (member.id == but) continue;
    if (member.is_leaving) return fmt::format("node {} is leaving", member.id.value());
    if (!state.IsPlaced(member.id)) {
      return fmt::format("node {} is joining; removing it calls it back", member.id.value());
    }
  }
  return std::nullopt;
}

// Why `node` cannot be at its address, or with its version.
std::optional<std::string> Clash(const ClusterMember& node, const ClusterState& state) {
  for (const ClusterMember& other : state.members) {
    const bool is_taken = other.id != node.id && !node.internal_address.empty() &&
                          other.internal_address == node.internal_address;
    if (!is_taken) continue;
    return fmt::format("{} is the internal address of node {}", node.internal_address,
                       other.id.value());
  }
  if (node.store_id.empty() || node.feature_level_max >= state.feature_level) return std::nullopt;
  return fmt::format(
      "node {} knows feature levels up to {}, the cluster is at {}: run a version that knows it",
      node.id.value(), node.feature_level_max.value(), state.feature_level.value());
}

// What a member says of itself, for the first time or again.
Reply Update(ClusterMember& member, ClusterMember reported, ClusterState& state) {
  const std::uint64_t id = member.id.value();
  if (member.store_id.empty()) {
    if (member.is_leaving) {
      return Refusal(
          fmt::format("node {} is leaving this cluster, and ids are not used again", id));
    }
    if (const auto clash = Clash(reported, state)) return Refusal(*clash);
  } else if (member.store_id != reported.store_id) {
    return Refusal(
        fmt::format("node id {} belongs to a node with other data: choose another id; if that "
                    "node's disk was wiped or exchanged, replace node {} by one with a new id",
                    id, id));
  }
  reported.is_leaving = member.is_leaving;
  if (member == reported) return Reply::Ok();
  member = std::move(reported);
  ++state.membership_version;
  return Reply::Ok();
}

}  // namespace

Reply RegisterMember(const ClusterMember& reported, ClusterState& state) {
  const auto member = std::ranges::find(state.members, reported.id, &ClusterMember::id);
  if (member != state.members.end()) return Update(*member, reported, state);
  return Refusal(fmt::format("node {} is not a member of this cluster", reported.id.value()));
}

Reply AddMember(const ClusterMember& added, ClusterState& state) {
  const NodeId id = added.id;
  if (!state.IsBootstrapped()) return Later("the cluster is being founded");
  if (id == kNoNode) return Refusal("node id 0: allowed: 1 and above");
  if (state.WasRemoved(id)) {
    return Refusal(fmt::format(
        "node {} was removed from this cluster, and ids are not used again: choose another",
        id.value()));
  }
  const auto known = std::ranges::find(state.members, id, &ClusterMember::id);
  if (known != state.members.end()) {
    // What the node has said of itself counts for more than an operator's word.
    return added.store_id.empty() ? Reply::Ok() : Update(*known, added, state);
  }
  if (const auto clash = Clash(added, state)) return Refusal(*clash);
  if (const auto other = ChangeUnderWay(state)) return OneAtATime(*other);
  if (state.members.size() >= kMembersMax) {
    return Refusal(
        fmt::format("this cluster has {} members, and more are not allowed", state.members.size()));
  }
  state.members.insert(std::ranges::upper_bound(state.members, id, {}, &ClusterMember::id), added);
  ++state.membership_version;
  return Reply::Ok();
}

Reply RemoveMember(NodeId node, ClusterState& state) {
  if (state.WasRemoved(node)) return Reply::Ok();
  const auto member = std::ranges::find(state.members, node, &ClusterMember::id);
  if (member == state.members.end()) {
    return Refusal(fmt::format("node {} is not a member of this cluster", node.value()));
  }
  if (member->is_leaving) return Reply::Ok();
  if (state.members.size() == 1) {
    return Refusal(fmt::format("node {} is the only member of this cluster", node.value()));
  }
  // One that is joining may be called back.
  if (const auto other = ChangeUnderWay(state, node)) return OneAtATime(*other);
  member->is_leaving = true;
  ++state.membership_version;
  return Reply::Ok();
}

Reply PlaceReplicas(const ReplicaPlacement& placement, ClusterState& state) {
  const auto shard = std::ranges::find(state.shards, placement.group, &ShardPlacement::group);
  if (shard == state.shards.end()) {
    return Refusal(fmt::format("no shard {}", placement.group.value()));
  }
  if (placement.replicas.empty() || placement.index <= shard->placed_at) return Reply::Ok();
  if (shard->founders.empty()) shard->founders = shard->replicas;
  shard->replicas = placement.replicas;
  shard->placed_at = placement.index;
  ++state.shard_map_version;
  return Reply::Ok();
}

Reply ForgetMember(NodeId node, ClusterState& state) {
  const auto member = std::ranges::find(state.members, node, &ClusterMember::id);
  if (member == state.members.end()) return Reply::Ok();
  if (!member->is_leaving || state.HasReplica(node)) {
    return Refusal(fmt::format("node {} has replicas of this cluster's shards", node.value()));
  }
  state.members.erase(member);
  state.removed.insert(std::ranges::upper_bound(state.removed, node), node);
  ++state.membership_version;
  return Reply::Ok();
}

}  // namespace seshat
