// The envelope in which commands travel to the node that leads their shard, and the answer, as
// bytes (messages ForwardRequest and ForwardReply). Nothing else in this layer knows the encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/resp/request.h"

namespace seshat {

struct ForwardRequest {
  GroupId group;
  // Each command's arguments. For the system group: one argument, the encoded command.
  std::vector<std::vector<std::string>> commands;
  RespVersion version = RespVersion::kResp2;
  std::string user;
  Duration time_left{0};
  std::uint64_t request_id = 0;
};

struct ForwardReply {
  enum class Status {
    kDone,       // `replies` has one for each command
    kNotLeader,  // nothing was done; `leader` may know better
    kRefused,    // nothing was done; `message` is an error reply's text
    kBusy,       // nothing was done for want of room, which `message` names; try again soon
  };
  Status status = Status::kRefused;
  NodeId leader;
  std::vector<std::string> replies;  // RESP, in the request's version
  std::string message;
};

std::string EncodeForwardRequest(const ForwardRequest& request);
std::string EncodeForwardReply(const ForwardReply& reply);

// Errors: kCorruption; kFailedPrecondition when the peer speaks a newer version.
Result<ForwardRequest> DecodeForwardRequest(std::string_view bytes);
Result<ForwardReply> DecodeForwardReply(std::string_view bytes);

}  // namespace seshat
