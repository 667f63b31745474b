#include "router.h"

#include <algorithm>
#include <utility>

#include "outcome_replies.h"
#include "seshat/commands/command_table.h"

namespace seshat {

RoutingTable::RoutingTable(std::shared_ptr<const ClusterState> state,
                           const std::map<GroupId, GroupReplica>& replicas)
    : state_(std::move(state)) {
  shard_of_slot_.fill(kUnassigned);
  for (const ShardPlacement& placement : state_->shards) {
    const auto index = static_cast<std::uint16_t>(shards_.size());
    const auto replica = replicas.find(placement.group);
    shards_.push_back({.id = placement.group,
                       .replica = replica == replicas.end() ? GroupReplica{} : replica->second,
                       .replicas = placement.replicas});
    for (const SlotRange& range : placement.slots) {
      for (std::uint32_t slot = range.first.value(); slot <= range.last.value(); ++slot) {
        shard_of_slot_[slot] = index;
      }
    }
  }
}

std::expected<const ShardRoute*, Reply> RoutingTable::Find(const CommandSpec& spec,
                                                           Arguments arguments) const {
  if (!state_->IsBootstrapped()) return std::unexpected(NotFoundedYet());
  const CommandKeys keys = KeysOf(spec, arguments);
  if (keys.empty()) {
    if (shards_.size() == 1) return &shards_.front();
    return std::unexpected(
        Reply::Error("CROSSSLOT " + std::string(spec.full_name) + " cannot span shards"));
  }
  // The usual cluster has one shard, and then no slot needs computing.
  const bool single =
      shards_.size() == 1 && state_->shards.front().slots.size() == 1 &&
      state_->shards.front().slots.front() == SlotRange{Slot(0), Slot(kSlotCount - 1)};
  if (single) return &shards_.front();
  const std::uint16_t index = shard_of_slot_[SlotOf(keys[0]).value()];
  for (std::size_t i = 1; i < keys.size(); ++i) {
    if (shard_of_slot_[SlotOf(keys[i]).value()] != index) {
      return std::unexpected(Reply::Error("CROSSSLOT Keys in request don't hash to the same slot"));
    }
  }
  if (index == kUnassigned)
    return std::unexpected(Reply::Error("CLUSTERDOWN Hash slot not served"));
  return &shards_[index];
}

const ShardRoute* RoutingTable::FindGroup(GroupId group) const {
  const auto it = std::ranges::find(shards_, group, &ShardRoute::id);
  return it == shards_.end() ? nullptr : &*it;
}

void Router::AddReplica(GroupId group, GroupReplica replica) {
  MutexLock lock(mutex_);
  replicas_[group] = std::move(replica);
  replicas_version_.fetch_add(1, std::memory_order_release);
}

// Both only grow, so the sum changes when either does.
std::uint64_t Router::Version() const {
  return source_.version() + replicas_version_.load(std::memory_order_acquire);
}

std::shared_ptr<const RoutingTable> Router::Table() {
  MutexLock lock(mutex_);
  const std::uint64_t version = Version();
  if (table_ == nullptr || table_version_ != version) {
    table_ = std::make_shared<const RoutingTable>(source_.Get(), replicas_);
    table_version_ = version;
  }
  return table_;
}

void Router::Refresh(std::shared_ptr<const RoutingTable>& cached, std::uint64_t& cached_version) {
  const std::uint64_t version = Version();
  if (cached != nullptr && cached_version == version) return;
  cached = Table();
  cached_version = version;
}

std::map<GroupId, GroupReplica> Router::Replicas() const {
  MutexLock lock(mutex_);
  return replicas_;
}

}  // namespace seshat
