// MemberDialer: at which address each peer is dialled.
//
// The cluster knows an address for each member, and the configuration may list another one. Either
// may be stale: a member has moved since the flags were written, or all members have moved at once
// and so could not yet tell each other. A peer that does not answer at the one is tried at the
// other.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/node/node_config.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

// Threads: owned by the steward's executor.
class MemberDialer {
 public:
  using Dial = std::function<void(NodeId peer, const std::string& address)>;
  using IsConnected = std::function<bool(NodeId peer)>;

  // Long enough for a dial to fail and be repeated.
  static constexpr Duration kPatience = std::chrono::seconds(3);

  // `configured`: initial_members. Never dials `self`.
  MemberDialer(NodeId self, std::vector<FoundingMember> configured, Dial dial,
               IsConnected is_connected);

  // Dials peers that are new, have moved, or have not answered for a while. Call often.
  void Update(const ClusterState& state, MonotonicTime now);

 private:
  struct Peer {
    std::vector<std::string> addresses;  // to try, the cluster's first
    std::size_t current = 0;
    MonotonicTime dialled_at;
  };

  void Consider(NodeId peer, std::vector<std::string> addresses, MonotonicTime now);

  const NodeId self_;
  const std::vector<FoundingMember> configured_;
  const Dial dial_;
  const IsConnected is_connected_;
  std::map<NodeId, Peer> peers_;
};

}  // namespace seshat
