#include "cluster_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "seshat/base/check.h"
#include "seshat/base/host_port.h"
#include "seshat/commands/error_replies.h"

namespace seshat {
namespace {

// A shard with its leader as this node sees it.
struct ShardPicture {
  const ShardPlacement* placement = nullptr;
  std::uint64_t term = 0;
  NodeId leader;  // kNoNode: unknown
  const ClusterMember* master = nullptr;
  std::vector<const ClusterMember*> replicas;
};

// Threads: owned by its user, for one command.
struct ClusterPicture {
  std::shared_ptr<const RoutingTable> table;
  std::vector<ShardPicture> shards;
  bool healthy = false;  // every slot has a leader
};

ClusterPicture TakePicture(ServiceContext& context) {
  ClusterPicture picture{.table = context.router.Table(), .shards = {}, .healthy = true};
  const ClusterState& state = picture.table->state();
  std::uint32_t slots = 0;
  for (const ShardPlacement& placement : state.shards) {
    ShardPicture shard;
    shard.placement = &placement;
    const ShardRoute* route = picture.table->FindGroup(placement.group);
    if (route != nullptr && route->replica.group != nullptr) {
      shard.leader = route->replica.group->Leader();
      shard.term = route->replica.group->GetStatus().core.term.value();
    }
    picture.healthy = picture.healthy && shard.leader != kNoNode;
    // Clients want a master for every slot. While there is no leader, any node takes their
    // commands and keeps them until there is one.
    NodeId master = shard.leader;
    if (state.FindMember(master) == nullptr) {
      const bool here =
          std::ranges::find(placement.replicas, context.options.node) != placement.replicas.end();
      master =
          here || placement.replicas.empty() ? context.options.node : placement.replicas.front();
    }
    shard.master = state.FindMember(master);
    for (NodeId replica : placement.replicas) {
      const ClusterMember* member = state.FindMember(replica);
      if (member != nullptr && member != shard.master) shard.replicas.push_back(member);
    }
    for (const SlotRange& range : placement.slots) {
      slots += 1u + range.last.value() - range.first.value();
    }
    picture.shards.push_back(std::move(shard));
  }
  picture.healthy = picture.healthy && slots == kSlotCount;
  return picture;
}

Reply SlotsNode(const ClusterState& state, const ClusterMember& member) {
  const HostPort address = SplitHostPort(member.client_address);
  return Reply::Array({Reply::Bulk(address.host), Reply::Integer(address.port),
                       Reply::Bulk(ClusterNodeName(state.cluster_id, member.id)),
                       Reply::Array({})});
}

Reply Slots(const ClusterPicture& picture) {
  const ClusterState& state = picture.table->state();
  std::vector<Reply> ranges;
  for (const ShardPicture& shard : picture.shards) {
    if (shard.master == nullptr) continue;
    for (const SlotRange& range : shard.placement->slots) {
      std::vector<Reply> entry{Reply::Integer(range.first.value()),
                               Reply::Integer(range.last.value()), SlotsNode(state, *shard.master)};
      for (const ClusterMember* replica : shard.replicas) {
        entry.push_back(SlotsNode(state, *replica));
      }
      ranges.push_back(Reply::Array(std::move(entry)));
    }
  }
  return Reply::Array(std::move(ranges));
}

Reply ShardsNode(const ClusterState& state, const ClusterMember& member, bool is_master) {
  const HostPort address = SplitHostPort(member.client_address);
  return Reply::Map({
      Reply::Bulk("id"),
      Reply::Bulk(ClusterNodeName(state.cluster_id, member.id)),  //
      Reply::Bulk("port"),
      Reply::Integer(address.port),  //
      Reply::Bulk("ip"),
      Reply::Bulk(address.host),  //
      Reply::Bulk("endpoint"),
      Reply::Bulk(address.host),  //
      Reply::Bulk("role"),
      Reply::Bulk(is_master ? "master" : "replica"),  //
      Reply::Bulk("replication-offset"),
      Reply::Integer(0),  //
      Reply::Bulk("health"),
      Reply::Bulk("online"),
  });
}

Reply Shards(const ClusterPicture& picture) {
  const ClusterState& state = picture.table->state();
  std::vector<Reply> shards;
  for (const ShardPicture& shard : picture.shards) {
    std::vector<Reply> slots;
    for (const SlotRange& range : shard.placement->slots) {
      slots.push_back(Reply::Integer(range.first.value()));
      slots.push_back(Reply::Integer(range.last.value()));
    }
    std::vector<Reply> nodes;
    if (shard.master != nullptr) nodes.push_back(ShardsNode(state, *shard.master, true));
    for (const ClusterMember* replica : shard.replicas) {
      nodes.push_back(ShardsNode(state, *replica, false));
    }
    shards.push_back(Reply::Map({Reply::Bulk("slots"), Reply::Array(std::move(slots)),
                                 Reply::Bulk("nodes"), Reply::Array(std::move(nodes))}));
  }
  return Reply::Array(std::move(shards));
}

// What a node is by its shards. With several, those that it leads come first.
struct NodePlace {
  const ShardPicture* leads = nullptr;
  const ShardPicture* follows = nullptr;

  bool IsReplica() const {
    return leads == nullptr && follows != nullptr && follows->master != nullptr;
  }
};

NodePlace PlaceOf(const ClusterPicture& picture, const ClusterMember& member) {
  NodePlace place;
  for (const ShardPicture& shard : picture.shards) {
    if (shard.master == &member) place.leads = &shard;
    if (std::ranges::find(shard.replicas, &member) != shard.replicas.end()) place.follows = &shard;
  }
  return place;
}

// <id> <ip:port@cport> <flags> <master> <ping-sent> <pong-recv> <config-epoch> <link-state> <slots>
std::string NodeLine(const ClusterPicture& picture, const ClusterMember& member, NodeId self) {
  const ClusterState& state = picture.table->state();
  const NodePlace place = PlaceOf(picture, member);
  const ShardPicture* const shard = place.leads != nullptr ? place.leads : place.follows;
  const HostPort client = SplitHostPort(member.client_address);
  const HostPort internal = SplitHostPort(member.internal_address);
  std::string line = fmt::format(
      "{} {}:{}@{} {}{} {} 0 0 {} connected", ClusterNodeName(state.cluster_id, member.id),
      client.host, client.port, internal.port, member.id == self ? "myself," : "",
      place.IsReplica() ? "slave" : "master",
      place.IsReplica() ? ClusterNodeName(state.cluster_id, place.follows->master->id) : "-",
      shard != nullptr ? shard->term : 0);
  for (const ShardPicture& led : picture.shards) {
    if (led.master != &member) continue;
    for (const SlotRange& range : led.placement->slots) {
      line += range.first == range.last
                  ? fmt::format(" {}", range.first.value())
                  : fmt::format(" {}-{}", range.first.value(), range.last.value());
    }
  }
  return line;
}

Reply Nodes(const ClusterPicture& picture, NodeId self) {
  std::string lines;
  for (const ClusterMember& member : picture.table->state().members) {
    lines += NodeLine(picture, member, self) + '\n';
  }
  return Reply::Verbatim(std::move(lines));
}

// The lines that CLUSTER NODES has of those that follow the node named.
Reply Replicas(const ClusterPicture& picture, std::string_view name, NodeId self) {
  const ClusterState& state = picture.table->state();
  const auto master = std::ranges::find_if(state.members, [&](const ClusterMember& member) {
    return ClusterNodeName(state.cluster_id, member.id) == name;
  });
  if (master == state.members.end()) {
    return ErrorQuoting(fmt::format("ERR Unknown node {}", QuotableText(name)));
  }
  if (PlaceOf(picture, *master).IsReplica()) {
    return Reply::Error("ERR The specified node is not a master");
  }
  std::vector<Reply> lines;
  for (const ClusterMember& member : state.members) {
    const NodePlace place = PlaceOf(picture, member);
    if (!place.IsReplica() || place.follows->master != &*master) continue;
    lines.push_back(Reply::Bulk(NodeLine(picture, member, self)));
  }
  return Reply::Array(std::move(lines));
}

Reply Info(const ClusterPicture& picture) {
  const ClusterState& state = picture.table->state();
  std::uint32_t assigned = 0;
  std::uint32_t served = 0;
  std::uint64_t epoch = 0;
  for (const ShardPicture& shard : picture.shards) {
    epoch = std::max(epoch, shard.term);
    for (const SlotRange& range : shard.placement->slots) {
      const std::uint32_t count = 1u + range.last.value() - range.first.value();
      assigned += count;
      if (shard.leader != kNoNode) served += count;
    }
  }
  return Reply::Verbatim(
      fmt::format("cluster_state:{}\r\ncluster_slots_assigned:{}\r\ncluster_slots_ok:{}\r\n"
                  "cluster_slots_pfail:0\r\ncluster_slots_fail:{}\r\ncluster_known_nodes:{}\r\n"
                  "cluster_size:{}\r\ncluster_current_epoch:{}\r\ncluster_my_epoch:{}\r\n"
                  "cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n"
                  "total_cluster_links_buffer_limit_exceeded:0\r\n",
                  picture.healthy ? "ok" : "fail", assigned, served, assigned - served,
                  state.members.size(), state.shards.size(), epoch, epoch));
}

}  // namespace

std::string ClusterNodeName(const std::string& cluster_id, NodeId node) {
  std::string name;
  for (std::size_t i = 0; i < 12; ++i) {
    const auto byte = i < cluster_id.size() ? static_cast<unsigned char>(cluster_id[i]) : 0;
    name += fmt::format("{:02x}", byte);
  }
  return name + fmt::format("{:016x}", node.value());
}

Reply ExecuteClusterCommand(const CommandSpec& spec, Arguments arguments, ServiceContext& context) {
  if (spec.id == CommandId::kClusterKeySlot) {
    return Reply::Integer(SlotOf(arguments[2]).value());
  }
  const ClusterPicture picture = TakePicture(context);
  switch (spec.id) {
    case CommandId::kClusterSlots:
      return Slots(picture);
    case CommandId::kClusterShards:
      return Shards(picture);
    case CommandId::kClusterNodes:
      return Nodes(picture, context.options.node);
    case CommandId::kClusterInfo:
      return Info(picture);
    case CommandId::kClusterReplicas:
    case CommandId::kClusterSlaves:
      return Replicas(picture, arguments[2], context.options.node);
    case CommandId::kClusterMyId:
      return Reply::Bulk(ClusterNodeName(picture.table->state().cluster_id, context.options.node));
    default:
      CheckFailed(__FILE__, __LINE__, "spec.kind == kCluster", spec.full_name);
  }
}

}  // namespace seshat
