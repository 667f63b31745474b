// Where the admin endpoint has leadership handed over, and what came of it. The node implements it.
#pragma once

#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// One node's answer to a request for a transfer.
struct TransferAnswer {
  enum class Outcome {
    kDone,       // `leader` leads now
    kNotLeader,  // nothing was done: ask `leader`, at `leader_admin_address`
    kRefused,    // nothing was done, and asking again changes nothing as things are
    kFailed,     // `leader` leads, or nobody that is known; it may work later
  };
  Outcome outcome = Outcome::kFailed;
  GroupId group;
  NodeId node;                       // who answers
  NodeId leader;                     // kNoNode: unknown
  std::string leader_admin_address;  // kNotLeader; empty: unknown
  std::string problem;               // in words; empty exactly when done

  bool operator==(const TransferAnswer&) const = default;
};

// Threads: thread-safe; called on admin threads.
class LeadershipControl {
 public:
  virtual ~LeadershipControl() = default;

  // Hands the leadership of `group` to `to` (kNoNode: to whom it suits best), if this node has it.
  // Waits until that is done or has failed, some seconds at most.
  virtual TransferAnswer Transfer(GroupId group, NodeId to) = 0;
};

// The body of the answer to POST /leader/transfer; its fields are documented in docs/operating.md.
std::string ToJson(const TransferAnswer& answer);

// Errors: kInvalidArgument when `json` is not such an answer; the message says where.
Result<TransferAnswer> ParseTransferAnswer(std::string_view json);

}  // namespace seshat
