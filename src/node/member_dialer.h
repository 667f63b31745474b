// MemberDialer: at which address each peer is dialled.
//
// The cluster knows an address for each member, and the configuration may list another one. Either
// may be stale: a member has moved since the flags were written, or all members have moved at once
// and so could not yet tell each other. A peer that does not answer at the one is tried at the
// other.
#pragma once

#include <functional>
#include <map>
#include <set>
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
  using HangUp = std::function<void(NodeId peer)>;
  using IsConnected = std::function<bool(NodeId peer)>;

  // Long enough for a dial to fail and be repeated.
  static constexpr Duration kPatience = std::chrono::seconds(3);

  // `configured`: initial_members. Never dials `self`.
  MemberDialer(NodeId self, std::vector<FoundingMember> configured, Dial dial, HangUp hang_up,
               IsConnected is_connected);

  // Takes these for initial_members.
  void Configure(std::vector<FoundingMember> members) { configured_ = std::move(members); }

  // Dials peers that are new, have moved, or have not answered for a while; ends the links with
  // nodes that were removed, from both ends, so that they are told why when they dial again. Call
  // often.
  void Update(const ClusterState& state, MonotonicTime now);

 private:
  struct Peer {
    std::vector<std::string> addresses;  // to try, the cluster's first
    std::size_t current = 0;
    MonotonicTime dialled_at;
  };

  void Consider(NodeId peer, std::vector<std::string> addresses, MonotonicTime now);

  const NodeId self_;
  std::vector<FoundingMember> configured_;
  const Dial dial_;
  const HangUp hang_up_;
  const IsConnected is_connected_;
  std::map<NodeId, Peer> peers_;
  std::set<NodeId> hung_up_;
};

}  // namespace seshat
