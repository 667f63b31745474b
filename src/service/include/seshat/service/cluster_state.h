// ClusterState: the cluster's members, shards and settings as this node knows them, and where the
// newest one is to be had. Only the system group's state machine publishes it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/slot.h"
#include "seshat/commands/replicated_limits.h"

namespace seshat {

// Addresses are "host:port" in their advertised form.
struct ClusterMember {
  NodeId id;
  std::string store_id;  // 16 bytes; empty until the node has reported itself
  std::string client_address;
  std::string internal_address;
  std::string admin_address;
  FeatureLevel feature_level_max = kFeatureLevelMin;
  bool is_leaving = false;  // the groups are to do without it

  bool operator==(const ClusterMember&) const = default;
};

struct SlotRange {
  Slot first;
  Slot last;  // inclusive

  bool operator==(const SlotRange&) const = default;
};

// A shard: which group has which slots, and where its replicas are.
struct ShardPlacement {
  GroupId group = kFirstDataGroup;
  std::vector<SlotRange> slots;       // ascending
  std::vector<NodeId> replicas;       // ascending; the group's voters, as its leader told last
  std::vector<NodeId> founders = {};  // its first voters; empty: they are the replicas still
  LogIndex placed_at = {};  // of the group's entry that made the replicas so; 0: the founders

  // Whom a node that opens the group for the first time takes for its voters.
  const std::vector<NodeId>& Founders() const { return founders.empty() ? replicas : founders; }

  bool operator==(const ShardPlacement&) const = default;
};

// Who a data group's voters are, by its entry at `index`.
struct ReplicaPlacement {
  GroupId group;
  std::vector<NodeId> replicas;  // ascending
  LogIndex index;
};

// Each has a replica of every group, and each costs every write a message and a sync.
inline constexpr std::size_t kMembersMax = 7;

// Threads: a value type; immutable once published.
struct ClusterState {
  std::string cluster_id;  // 16 bytes; empty before bootstrap
  std::uint64_t membership_version = 0;
  std::vector<ClusterMember> members;  // ascending by id
  std::vector<NodeId> removed;         // ascending; their ids are never used again
  std::uint64_t shard_map_version = 0;
  std::vector<ShardPlacement> shards;  // ascending by group
  FeatureLevel feature_level = kFeatureLevelMin;
  ReplicatedLimits limits;

  bool IsBootstrapped() const { return !cluster_id.empty(); }
  // Null when `node` is not a member. Lifetime: that of this object.
  const ClusterMember* FindMember(NodeId node) const;
  bool WasRemoved(NodeId node) const;
  // Whether every shard, or any, has a replica on `node` that votes.
  bool IsPlaced(NodeId node) const;
  bool HasReplica(NodeId node) const;
  // Whom every group is to have for a voter: members that are not leaving.
  std::vector<NodeId> DesiredVoters() const;

  bool operator==(const ClusterState&) const;
};

// The founding state of a cluster with one shard that owns every slot and lives on every member.
ClusterState InitialClusterState(std::string cluster_id, std::vector<ClusterMember> members,
                                 const ReplicatedLimits& limits);

// How the cluster of `former` goes on as another one, of these members: with its slots and
// settings, and with every shard on every member. What it knew of nodes that came and went is
// forgotten.
ClusterState RefoundedClusterState(const ClusterState& former, std::string cluster_id,
                                   std::vector<ClusterMember> members);

// Where the newest ClusterState is to be had.
// Threads: thread-safe.
class ClusterStateSource {
 public:
  using Listener = std::function<void(const std::shared_ptr<const ClusterState>&)>;

  ClusterStateSource();

  // Never null; before bootstrap an empty state.
  std::shared_ptr<const ClusterState> Get() const SESHAT_EXCLUDES(mutex_);
  // Changes with every Publish: cheap to compare on a hot path.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // `listener` is called with every state published from now on, on the publisher's thread (the
  // system group's apply executor): it must not block.
  void Subscribe(Listener listener) SESHAT_EXCLUDES(mutex_);
  // For the system group's state machine, and tests.
  void Publish(ClusterState state) SESHAT_EXCLUDES(mutex_);

 private:
  std::atomic<std::uint64_t> version_{0};

  mutable Mutex mutex_;
  std::shared_ptr<const ClusterState> state_ SESHAT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const Listener>> listeners_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
