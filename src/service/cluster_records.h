// ClusterState as the rows of `system_data`, and the commands of the system group, as bytes.
//
// The messages' meaning is in docs/formats.md; nothing else in this layer knows their encoding.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "seshat/base/error.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/state_reports.h"

namespace seshat {

namespace v1 {
class NodeInfo;
}  // namespace v1

v1::NodeInfo ToProto(const ClusterMember& member);
ClusterMember FromProto(const v1::NodeInfo& info);

inline constexpr std::string_view kMembershipRowKey = "membership";
inline constexpr std::string_view kShardMapRowKey = "shardmap";
inline constexpr std::string_view kSettingsRowKey = "settings";

std::string EncodeMembershipRow(const ClusterState& state);
std::string EncodeShardMapRow(const ClusterState& state);
std::string EncodeSettingsRow(const ClusterState& state);

// Each replaces its part of `state`.
// Errors: kCorruption, naming the row; kFailedPrecondition when a newer version wrote it.
Status DecodeMembershipRow(std::string_view bytes, ClusterState& state);
Status DecodeShardMapRow(std::string_view bytes, ClusterState& state);
Status DecodeSettingsRow(std::string_view bytes, ClusterState& state);

struct BootstrapClusterCommand {
  ClusterState initial;
};
struct RegisterNodeCommand {
  ClusterMember member;
};
struct AddNodeCommand {
  ClusterMember member;
};
struct RemoveNodeCommand {
  NodeId node;
};
struct ForgetNodeCommand {
  NodeId node;
};
using SystemCommand =
    std::variant<BootstrapClusterCommand, RegisterNodeCommand, StateReport, AddNodeCommand,
                 RemoveNodeCommand, ReplicaPlacement, ForgetNodeCommand>;

// Errors: kCorruption; kFailedPrecondition for a newer version or an unknown kind.
Result<SystemCommand> DecodeSystemCommand(std::string_view bytes);

}  // namespace seshat
