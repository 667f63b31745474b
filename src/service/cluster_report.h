// CLUSTER: this cluster as a Redis Cluster client understands it.
//
// A shard's leader is its master, the other replicas are its replicas, and the leader has the
// shard's slots. No client is ever sent elsewhere: any node serves any key.
// Source: Redis 7.0.15, cluster.c, for the shapes of the replies.
#pragma once

#include <string>

#include "service_context.h"
#include "seshat/base/ids.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// A node's name among Redis Cluster clients: 40 hex digits made of the cluster's id and the node's.
std::string ClusterNodeName(const std::string& cluster_id, NodeId node);

// Pre: spec.kind is kCluster; arguments has its arity.
Reply ExecuteClusterCommand(const CommandSpec& spec, Arguments arguments, ServiceContext& context);

}  // namespace seshat
