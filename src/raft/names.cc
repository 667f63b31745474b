// The names of enumerators, for logs, status pages and golden traces.
#include <string_view>

#include "seshat/raft/core.h"
#include "seshat/raft/message.h"

namespace seshat {

std::string_view ToString(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
    case Role::kLearner:
      return "learner";
  }
  return "unknown";
}

std::string_view ToString(MessageType type) {
  switch (type) {
    case MessageType::kPreVoteRequest:
      return "pre-vote request";
    case MessageType::kPreVoteResponse:
      return "pre-vote response";
    case MessageType::kVoteRequest:
      return "vote request";
    case MessageType::kVoteResponse:
      return "vote response";
    case MessageType::kAppendRequest:
      return "append request";
    case MessageType::kAppendResponse:
      return "append response";
    case MessageType::kHeartbeatRequest:
      return "heartbeat request";
    case MessageType::kHeartbeatResponse:
      return "heartbeat response";
    case MessageType::kReadIndexRequest:
      return "read index request";
    case MessageType::kReadIndexResponse:
      return "read index response";
    case MessageType::kSnapshotRequest:
      return "snapshot request";
    case MessageType::kSnapshotResponse:
      return "snapshot response";
    case MessageType::kTimeoutNow:
      return "timeout now";
  }
  return "unknown";
}

}  // namespace seshat
