// What the system group's commands about members do to the cluster's state. Pure, and the same on
// every node: what is wanted is decided here, and the groups are moved towards it elsewhere.
#pragma once

#include "cluster_records.h"
#include "seshat/resp/reply.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

Reply RegisterMember(const ClusterMember& reported, ClusterState& state);
Reply AddMember(const ClusterMember& added, ClusterState& state);
Reply RemoveMember(NodeId node, ClusterState& state);
Reply PlaceReplicas(const ReplicaPlacement& placement, ClusterState& state);
Reply ForgetMember(NodeId node, ClusterState& state);

}  // namespace seshat
