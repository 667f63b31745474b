#include "member_dialer.h"

#include <algorithm>

namespace seshat {

MemberDialer::MemberDialer(NodeId self, std::vector<FoundingMember> configured, Dial dial,
                           HangUp hang_up, IsConnected is_connected)
    : self_(self),
      configured_(std::move(configured)),
      dial_(std::move(dial)),
      hang_up_(std::move(hang_up)),
      is_connected_(std::move(is_connected)) {}

void MemberDialer::Update(const ClusterState& state, MonotonicTime now) {
  std::map<NodeId, std::vector<std::string>> wanted;
  for (const ClusterMember& member : state.members) {
    // An operator may have added it without saying where it will be.
    if (!member.internal_address.empty()) wanted[member.id].push_back(member.internal_address);
  }
  for (const FoundingMember& member : configured_) {
    // Who has left the cluster is not dialled, whatever the flags say.
    if (state.IsBootstrapped() && !wanted.contains(member.node)) continue;
    std::vector<std::string>& addresses = wanted[member.node];
    const std::string address = member.internal_address.ToString();
    if (std::ranges::count(addresses, address) == 0) addresses.push_back(address);
  }
  wanted.erase(self_);
  for (const NodeId removed : state.removed) {
    if (removed == self_ || !hung_up_.insert(removed).second) continue;
    hang_up_(removed);
    peers_.erase(removed);
  }
  for (auto& [peer, addresses] : wanted) Consider(peer, std::move(addresses), now);
}

void MemberDialer::Consider(NodeId id, std::vector<std::string> addresses, MonotonicTime now) {
  Peer& peer = peers_[id];
  if (peer.addresses != addresses) {
    // A link that works is kept, should its address still be one of them.
    const std::string before = peer.addresses.empty() ? "" : peer.addresses[peer.current];
    const auto same = std::ranges::find(addresses, before);
    const bool keep = same != addresses.end() && is_connected_(id);
    peer.current = keep ? static_cast<std::size_t>(same - addresses.begin()) : 0;
    peer.addresses = std::move(addresses);
    peer.dialled_at = now;
    if (!keep) dial_(id, peer.addresses[peer.current]);
    return;
  }
  if (peer.addresses.size() == 1) return;
  if (is_connected_(id)) {
    peer.dialled_at = now;
  } else if (now - peer.dialled_at >= kPatience) {
    peer.current = (peer.current + 1) % peer.addresses.size();
    peer.dialled_at = now;
    dial_(id, peer.addresses[peer.current]);
  }
}

}  // namespace seshat
