#include "join_requests.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "seshat/node/log.h"
#include "seshat/service/system_state_machine.h"

namespace seshat {
namespace {

JoinReply Refusal(std::string why, bool is_permanent) {
  return {.refusal = std::move(why), .is_permanent = is_permanent, .cluster_id = {}, .members = {}};
}

}  // namespace

void JoinRequests::OnJoin(const PeerHello& from, const std::string& request, Answer answer) const {
  Result<ClusterMember> node = DecodeJoinRequest(request);
  if (!node) return answer(EncodeJoinReply(Refusal(node.error().message(), true)));
  // Of who it is, what the handshake says counts.
  node->id = from.node_id;
  node->store_id = from.identity.store_id;
  node->feature_level_max = from.identity.feature_level_max;
  node->is_leaving = false;
  if (!cluster_.Get()->IsBootstrapped()) {
    return answer(EncodeJoinReply(
        Refusal(fmt::format("node {} is not part of a cluster yet itself", self_.value()), false)));
  }
  std::string command = has_secret_ ? EncodeAddNode(*node) : EncodeRegisterNode(*node);
  propose_(std::move(command),
           [this, node = *node, answer = std::move(answer)](const Result<Reply>& reply) mutable {
             answer(EncodeJoinReply(Outcome(node, reply)));
           });
}

JoinReply JoinRequests::Outcome(const ClusterMember& node, const Result<Reply>& reply) const {
  if (!reply) return Refusal(reply.error().message(), false);
  const std::shared_ptr<const ClusterState> state = cluster_.Get();
  if (!reply->IsError()) {
    Log(LogLevel::kInfo, "node", "let a node join", {{"peer", node.id.value()}});
    return {.refusal = {},
            .is_permanent = false,
            .cluster_id = state->cluster_id,
            .members = state->members};
  }
  std::string why = RefusalText(*reply);
  // It asks again soon, and logs what it waits for itself.
  if (reply->text.starts_with(kTryAgain)) return Refusal(std::move(why), false);
  Log(LogLevel::kWarn, "node", "refused a node that wants to join",
      {{"peer", node.id.value()}, {"why", why}});
  if (!has_secret_ && state->FindMember(node.id) == nullptr && !state->WasRemoved(node.id)) {
    why += fmt::format(
        ": allowed: `seshat node add {}` first, or a cluster secret (cluster_secret_file) on every "
        "node",
        node.id.value());
  }
  return Refusal(std::move(why), true);
}

}  // namespace seshat
