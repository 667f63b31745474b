// How far this node's replica is, and its followers, in the words of Redis's replication: ROLE, and
// the section of INFO.
//
// Every node takes writes, so each says that it is a master. Only a leader knows how far others
// are: it has them as replicas; the other nodes have none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service_context.h"
#include "seshat/resp/reply.h"

namespace seshat {

struct ReplicaPicture {
  std::string host;
  std::int64_t port = 0;
  std::string_view state;        // in Redis's words
  std::uint64_t offset = 0;      // of what it holds on disk; no more than the picture's
  std::int64_t lag_seconds = 0;  // since it was heard of last
};

// Of the first data group.
struct ReplicationPicture {
  std::uint64_t offset = 0;              // the log index that is applied here
  std::vector<ReplicaPicture> replicas;  // those that answer; ascending by node
};

ReplicationPicture TakeReplicationPicture(ServiceContext& context);

Reply ExecuteRole(ServiceContext& context);

}  // namespace seshat
