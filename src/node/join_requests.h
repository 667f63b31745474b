// JoinRequests: what this node answers a stranger that wants to become a member.
//
// Whoever has proven the cluster secret may add itself. Where there is no secret to prove, an
// operator must have added it before. The system group decides, so that any node may be asked.
#pragma once

#include <functional>
#include <string>

#include "seshat/base/ids.h"
#include "seshat/base/unique_function.h"
#include "seshat/resp/reply.h"
#include "seshat/service/cluster_state.h"
#include "seshat/service/join_messages.h"
#include "seshat/transport/handshake_policy.h"

namespace seshat {

// Threads: thread-safe; never blocks.
class JoinRequests {
 public:
  using Answer = UniqueFunction<void(std::string)>;
  using Propose =
      std::function<void(std::string command, UniqueFunction<void(Result<Reply>)> done)>;

  // `has_secret`: strangers have proven it. `propose`: to the system group; it may be told to drop
  // `done`, which breaks the call. Lifetime: `cluster` outlives every answer.
  JoinRequests(NodeId self, bool has_secret, const ClusterStateSource& cluster, Propose propose)
      : self_(self), has_secret_(has_secret), cluster_(cluster), propose_(std::move(propose)) {}

  // As TransportOptions::on_join.
  void OnJoin(const PeerHello& from, const std::string& request, Answer answer) const;

 private:
  JoinReply Outcome(const ClusterMember& node, const Result<Reply>& reply) const;

  const NodeId self_;
  const bool has_secret_;
  const ClusterStateSource& cluster_;
  const Propose propose_;
};

}  // namespace seshat
