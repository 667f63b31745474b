// Router: which group has a key, and how this node reaches it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <vector>

#include "expiry_driver.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/slot.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/data_state_machine.h"
#include "shard_group.h"
#include "state_comparer.h"

namespace seshat {

// What this node has of a data group.
// Threads: immutable.
struct GroupReplica {
  std::shared_ptr<ShardGroup> group;
  std::shared_ptr<DataGroupInfo> info;
  std::shared_ptr<ExpiryDriver> expiry;
  std::shared_ptr<StateComparer> comparer;
};

// A shard as requests are routed to it.
// Threads: immutable.
struct ShardRoute {
  GroupId id;
  GroupReplica replica;          // empty while this node has none
  std::vector<NodeId> replicas;  // of the whole cluster
};

// Threads: immutable.
class RoutingTable {
 public:
  RoutingTable(std::shared_ptr<const ClusterState> state,
               const std::map<GroupId, GroupReplica>& replicas);

  // The shard that has all keys of the command. A command without keys goes to the one shard there
  // is. The error is the client's reply: CROSSSLOT, when keys lie in different groups; CLUSTERDOWN,
  // when a slot is served by nobody or the cluster has not been founded yet.
  // Lifetime: that of this table.
  std::expected<const ShardRoute*, Reply> Find(const CommandSpec& spec, Arguments arguments) const;
  // Null: no such shard.
  const ShardRoute* FindGroup(GroupId group) const;

  const ClusterState& state() const { return *state_; }
  const std::vector<ShardRoute>& shards() const { return shards_; }

 private:
  static constexpr std::uint16_t kUnassigned = 0xffff;

  const std::shared_ptr<const ClusterState> state_;
  std::vector<ShardRoute> shards_;                       // ascending by id
  std::array<std::uint16_t, kSlotCount> shard_of_slot_;  // index into shards_
};

// Threads: thread-safe.
class Router {
 public:
  explicit Router(const ClusterStateSource& source) : source_(source) {}

  void AddReplica(GroupId group, GroupReplica replica) SESHAT_EXCLUDES(mutex_);

  // The newest table.
  std::shared_ptr<const RoutingTable> Table() SESHAT_EXCLUDES(mutex_);
  // Replaces `cached` if there is a newer table: no lock is taken when there is none.
  void Refresh(std::shared_ptr<const RoutingTable>& cached, std::uint64_t& cached_version)
      SESHAT_EXCLUDES(mutex_);

  std::map<GroupId, GroupReplica> Replicas() const SESHAT_EXCLUDES(mutex_);

 private:
  std::uint64_t Version() const;

  const ClusterStateSource& source_;
  std::atomic<std::uint64_t> replicas_version_{0};

  mutable Mutex mutex_;
  std::map<GroupId, GroupReplica> replicas_ SESHAT_GUARDED_BY(mutex_);
  std::shared_ptr<const RoutingTable> table_ SESHAT_GUARDED_BY(mutex_);
  std::uint64_t table_version_ SESHAT_GUARDED_BY(mutex_) = 0;
};

}  // namespace seshat
