// What a node that wants to join a cluster asks one of its members, and the answer, as bytes on the
// wire.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

std::string EncodeJoinRequest(const ClusterMember& node);
// Errors: kCorruption; kFailedPrecondition for a newer version.
Result<ClusterMember> DecodeJoinRequest(std::string_view bytes);

struct JoinReply {
  std::string refusal;        // empty: the node is a member now
  bool is_permanent = false;  // trying again will not help until an operator acts
  // Of one that is not refused: whom it belongs to from now on, and whom to turn to.
  std::string cluster_id;
  std::vector<ClusterMember> members;  // ascending by id; maybe not the newest

  bool operator==(const JoinReply&) const = default;
};

std::string EncodeJoinReply(const JoinReply& reply);
// Errors: as DecodeJoinRequest.
Result<JoinReply> DecodeJoinReply(std::string_view bytes);

}  // namespace seshat
