// What replicas of one group say to each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/entry.h"

namespace seshat {

enum class MessageType : std::uint8_t {
  kPreVoteRequest = 1,
  kPreVoteResponse,
  kVoteRequest,
  kVoteResponse,
  kAppendRequest,
  kAppendResponse,
  kHeartbeatRequest,
  kHeartbeatResponse,
  kReadIndexRequest,
  kReadIndexResponse,
  kSnapshotRequest,
  kSnapshotResponse,
  kTimeoutNow,
};

std::string_view ToString(MessageType type);

// Which fields a type uses (others keep their defaults):
//   (pre-)vote request   log_index, log_term: the candidate's last entry; transfer
//   (pre-)vote response  reject
//   append request       log_index, log_term: the entry before `entries`; commit; entries
//   append response      log_index: last entry held durably, or on reject the refused log_index;
//                        reject; hint_index, hint_term: where to probe next
//   heartbeat request    commit (at most what the follower is known to hold); read_context (0:
//                        none); sent_at; promise: the vote promise asked for; hint_index
//   heartbeat response   read_context and sent_at echoed; promise: the one given; log_sync
//   read index request   read_context
//   read index response  read_context; log_index: the read index; leader_time; reject
//   snapshot request     snapshot: where to come for it is `from`
//   snapshot response    reject; log_index: that of the snapshot that cannot be taken
// `term` is the sender's, except in pre-vote: there the term it would campaign in.
struct Message {
  MessageType type = MessageType::kHeartbeatRequest;
  Term term;
  NodeId from;
  NodeId to;
  LogIndex log_index;
  Term log_term;
  LogIndex commit;
  std::vector<Entry> entries;
  bool reject = false;
  LogIndex hint_index;
  Term hint_term;
  std::uint64_t read_context = 0;
  MonotonicTime sent_at;  // on the sender's own clock; only ever compared by the sender
  Duration promise{0};
  bool transfer = false;  // a campaign asked for by the leader: stickiness does not apply
  // Filled by the drivers, not by the core. Heartbeat requests and read index responses: the
  // leader's stamp. Heartbeat responses: the sender's wall clock (GroupTime). Heartbeat requests
  // also have the leader's commit index as their `hint_index`, by which a follower knows its lag.
  UnixMillis leader_time;
  // Likewise: how long the sender's disk takes (SlowDiskOptions); zero: it does not know.
  Duration log_sync{0};
  std::optional<SnapshotDescriptor> snapshot;
};

}  // namespace seshat
