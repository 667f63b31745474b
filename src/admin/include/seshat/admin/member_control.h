// Where the admin endpoint has members added and removed, and what came of it. The node implements
// it.
#pragma once

#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// One node's answer to a change of the cluster's members. A change that is done is decided, and
// goes on by itself: the status tells how far it has come.
struct MemberAnswer {
  enum class Outcome {
    kDone,
    kTryAgain,  // nothing was done: another change is under way
    kRefused,   // nothing was done, and asking again changes nothing as things are
    kFailed,    // nothing was done; it may work later
    kUnknown,   // it may have been done: look at the status
  };
  Outcome outcome = Outcome::kFailed;
  NodeId node;          // who answers
  std::string problem;  // in words; empty exactly when done

  bool operator==(const MemberAnswer&) const = default;
};

// Threads: thread-safe; called on admin threads. Each waits until the cluster has decided, some
// seconds at most, and lets one caller wait at a time.
class MemberControl {
 public:
  virtual ~MemberControl() = default;

  // `node` may join from now on. `internal_address` ("host:port") may be empty: it will tell
  // itself.
  virtual MemberAnswer Add(NodeId node, const std::string& internal_address) = 0;
  // `node` is to leave: refused where too few of those that would remain can be reached.
  virtual MemberAnswer Remove(NodeId node) = 0;
};

// The body of the answer to POST /node/add and /node/remove; its fields are documented in
// docs/operating.md.
std::string ToJson(const MemberAnswer& answer);

// Errors: kInvalidArgument when `json` is not such an answer; the message says where.
Result<MemberAnswer> ParseMemberAnswer(std::string_view json);

}  // namespace seshat
