#include "cluster_records.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "seshat/service/system_state_machine.h"
#include "seshat/v1/command.pb.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr std::uint32_t kVersion = 1;

// Equal messages give equal bytes: replicas compare what they hold.
template <typename Message>
std::string Serialize(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

template <typename Message>
Status Parse(std::string_view what, std::string_view bytes, Message& message) {
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return MakeError(ErrorCode::kCorruption, std::string(what) + ": does not decode");
  }
  if (message.version() > kVersion) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     std::string(what) + ": written by a newer version of Seshat (" +
                         std::to_string(message.version()) + ")");
  }
  if (message.version() == 0) {
    return MakeError(ErrorCode::kCorruption, std::string(what) + ": carries no version");
  }
  return {};
}

std::vector<NodeId> NodeIds(const google::protobuf::RepeatedField<std::uint64_t>& ids) {
  std::vector<NodeId> nodes;
  for (const std::uint64_t id : ids) nodes.emplace_back(id);
  return nodes;
}

v1::ClusterMembership MembershipToProto(const ClusterState& state) {
  v1::ClusterMembership membership;
  membership.set_version(kVersion);
  membership.set_membership_version(state.membership_version);
  membership.set_cluster_id(state.cluster_id);
  for (const ClusterMember& member : state.members) *membership.add_members() = ToProto(member);
  for (const NodeId node : state.removed) membership.add_removed(node.value());
  return membership;
}

v1::ShardMap ShardMapToProto(const ClusterState& state) {
  v1::ShardMap map;
  map.set_version(kVersion);
  map.set_shardmap_version(state.shard_map_version);
  for (const ShardPlacement& shard : state.shards) {
    v1::Shard& out = *map.add_shards();
    out.set_group_id(shard.group.value());
    for (const SlotRange& range : shard.slots) {
      v1::SlotRange& slots = *out.add_slots();
      slots.set_first(range.first.value());
      slots.set_last(range.last.value());
    }
    for (NodeId replica : shard.replicas) out.add_replicas(replica.value());
    for (NodeId founder : shard.founders) out.add_founders(founder.value());
    out.set_placed_at(shard.placed_at.value());
  }
  return map;
}

v1::ReplicatedSettings SettingsToProto(const ClusterState& state) {
  v1::ReplicatedSettings settings;
  settings.set_version(kVersion);
  settings.set_feature_level(state.feature_level.value());
  settings.set_key_bytes_max(state.limits.key_bytes_max);
  settings.set_value_bytes_max(state.limits.value_bytes_max);
  return settings;
}

void TakeMembership(const v1::ClusterMembership& membership, ClusterState& state) {
  state.membership_version = membership.membership_version();
  state.cluster_id = membership.cluster_id();
  state.members.clear();
  for (const v1::NodeInfo& info : membership.members()) state.members.push_back(FromProto(info));
  state.removed = NodeIds(membership.removed());
}

Status TakeShardMap(const v1::ShardMap& map, ClusterState& state) {
  state.shard_map_version = map.shardmap_version();
  state.shards.clear();
  for (const v1::Shard& in : map.shards()) {
    ShardPlacement shard;
    shard.group = GroupId(in.group_id());
    for (const v1::SlotRange& range : in.slots()) {
      if (range.first() > range.last() || range.last() >= kSlotCount) {
        return MakeError(ErrorCode::kCorruption, "shard map: slot range " +
                                                     std::to_string(range.first()) + "-" +
                                                     std::to_string(range.last()) + " is invalid");
      }
      shard.slots.push_back({Slot(static_cast<std::uint16_t>(range.first())),
                             Slot(static_cast<std::uint16_t>(range.last()))});
    }
    shard.replicas = NodeIds(in.replicas());
    shard.founders = NodeIds(in.founders());
    shard.placed_at = LogIndex(in.placed_at());
    state.shards.push_back(std::move(shard));
  }
  return {};
}

void TakeSettings(const v1::ReplicatedSettings& settings, ClusterState& state) {
  state.feature_level = FeatureLevel(settings.feature_level());
  state.limits.key_bytes_max = settings.key_bytes_max();
  state.limits.value_bytes_max = settings.value_bytes_max();
}

}  // namespace

v1::NodeInfo ToProto(const ClusterMember& member) {
  v1::NodeInfo info;
  info.set_node_id(member.id.value());
  info.set_store_id(member.store_id);
  info.set_client_address(member.client_address);
  info.set_internal_address(member.internal_address);
  info.set_admin_address(member.admin_address);
  info.set_feature_level_max(member.feature_level_max.value());
  info.set_leaving(member.is_leaving);
  return info;
}

ClusterMember FromProto(const v1::NodeInfo& info) {
  return {.id = NodeId(info.node_id()),
          .store_id = info.store_id(),
          .client_address = info.client_address(),
          .internal_address = info.internal_address(),
          .admin_address = info.admin_address(),
          .feature_level_max = FeatureLevel(info.feature_level_max()),
          .is_leaving = info.leaving()};
}

std::string EncodeMembershipRow(const ClusterState& state) {
  return Serialize(MembershipToProto(state));
}

std::string EncodeShardMapRow(const ClusterState& state) {
  return Serialize(ShardMapToProto(state));
}

std::string EncodeSettingsRow(const ClusterState& state) {
  return Serialize(SettingsToProto(state));
}

Status DecodeMembershipRow(std::string_view bytes, ClusterState& state) {
  v1::ClusterMembership membership;
  if (Status status = Parse("row membership", bytes, membership); !status) return status;
  TakeMembership(membership, state);
  return {};
}

Status DecodeShardMapRow(std::string_view bytes, ClusterState& state) {
  v1::ShardMap map;
  if (Status status = Parse("row shardmap", bytes, map); !status) return status;
  return TakeShardMap(map, state);
}

Status DecodeSettingsRow(std::string_view bytes, ClusterState& state) {
  v1::ReplicatedSettings settings;
  if (Status status = Parse("row settings", bytes, settings); !status) return status;
  TakeSettings(settings, state);
  return {};
}

std::string EncodeBootstrapCluster(const ClusterState& initial) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  v1::BootstrapCluster& bootstrap = *command.mutable_bootstrap();
  *bootstrap.mutable_membership() = MembershipToProto(initial);
  *bootstrap.mutable_shard_map() = ShardMapToProto(initial);
  *bootstrap.mutable_settings() = SettingsToProto(initial);
  return Serialize(command);
}

std::string EncodeRegisterNode(const ClusterMember& member) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  *command.mutable_register_()->mutable_node() = ToProto(member);
  return Serialize(command);
}

std::string EncodeAddNode(const ClusterMember& member) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  *command.mutable_add()->mutable_node() = ToProto(member);
  return Serialize(command);
}

std::string EncodeRemoveNode(NodeId node) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  command.mutable_remove()->set_node_id(node.value());
  return Serialize(command);
}

std::string EncodePlaceReplicas(const ReplicaPlacement& placement) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  v1::PlaceReplicas& place = *command.mutable_place();
  place.set_group_id(placement.group.value());
  for (const NodeId replica : placement.replicas) place.add_replicas(replica.value());
  place.set_index(placement.index.value());
  return Serialize(command);
}

std::string EncodeForgetNode(NodeId node) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  command.mutable_forget()->set_node_id(node.value());
  return Serialize(command);
}

std::string EncodeReportState(const StateReport& report) {
  v1::SystemCommand command;
  command.set_version(kVersion);
  v1::ReportState& message = *command.mutable_report();
  message.set_group_id(report.group.value());
  message.set_index(report.index.value());
  message.set_node_id(report.node.value());
  message.set_digest(report.digest);
  return Serialize(command);
}

Result<SystemCommand> DecodeSystemCommand(std::string_view bytes) {
  v1::SystemCommand command;
  if (Status status = Parse("system command", bytes, command); !status) {
    return std::unexpected(std::move(status).error());
  }
  if (command.has_bootstrap()) {
    BootstrapClusterCommand bootstrap;
    TakeMembership(command.bootstrap().membership(), bootstrap.initial);
    if (Status status = TakeShardMap(command.bootstrap().shard_map(), bootstrap.initial); !status) {
      return std::unexpected(std::move(status).error());
    }
    TakeSettings(command.bootstrap().settings(), bootstrap.initial);
    if (!bootstrap.initial.IsBootstrapped()) {
      return MakeError(ErrorCode::kCorruption, "system command: bootstrap without a cluster id");
    }
    return bootstrap;
  }
  if (command.has_register_()) {
    return RegisterNodeCommand{FromProto(command.register_().node())};
  }
  if (command.has_report()) {
    const v1::ReportState& report = command.report();
    return StateReport{.group = GroupId(report.group_id()),
                       .index = LogIndex(report.index()),
                       .node = NodeId(report.node_id()),
                       .digest = report.digest()};
  }
  if (command.has_add()) return AddNodeCommand{FromProto(command.add().node())};
  if (command.has_remove()) return RemoveNodeCommand{NodeId(command.remove().node_id())};
  if (command.has_forget()) return ForgetNodeCommand{NodeId(command.forget().node_id())};
  if (command.has_place()) {
    const v1::PlaceReplicas& place = command.place();
    return ReplicaPlacement{.group = GroupId(place.group_id()),
                            .replicas = NodeIds(place.replicas()),
                            .index = LogIndex(place.index())};
  }
  return MakeError(ErrorCode::kFailedPrecondition,
                   "system command: of a kind that this version of Seshat does not know");
}

}  // namespace seshat
