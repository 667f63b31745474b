// Messages between replicas as bytes: RaftMessage and RaftMessageBatch.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/raft/message.h"

namespace seshat {

// Builds the payload of one Transport::Send: messages of one channel to one peer.
// Threads: owned by its user.
class MessageBatchWriter {
 public:
  // Durations are rounded down to whole milliseconds: a promise on the wire is never longer than
  // the one that was given.
  void Add(GroupId group, const Message& message);
  bool empty() const { return payload_.empty(); }
  std::size_t size_bytes() const { return payload_.size(); }
  // Leaves the writer empty.
  std::string Take();

 private:
  std::string payload_;
};

struct GroupMessage {
  GroupId group;
  Message message;
};

// Errors: kCorruption when malformed; kFailedPrecondition when of a newer version.
Result<std::vector<GroupMessage>> DecodeMessageBatch(std::string_view payload);

}  // namespace seshat
