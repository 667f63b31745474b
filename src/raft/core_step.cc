// Messages in: what is dropped, what the term says, and who handles the rest.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {
namespace {

// No cluster gets near it; a peer's bytes must not make term + 1 wrap around.
constexpr std::uint64_t kTermMax = std::uint64_t{1} << 62;

// Requests that may come from a node which our configuration does not know: it may be behind, ours
// or the sender's (trap 2).
bool MayComeFromStranger(MessageType type) {
  switch (type) {
    case MessageType::kPreVoteRequest:
    case MessageType::kVoteRequest:
    case MessageType::kAppendRequest:
    case MessageType::kHeartbeatRequest:
    case MessageType::kSnapshotRequest:
    case MessageType::kTimeoutNow:
      return true;
    default:
      return false;
  }
}

bool IsFromLeader(MessageType type) {
  return type == MessageType::kAppendRequest || type == MessageType::kHeartbeatRequest ||
         type == MessageType::kSnapshotRequest;
}

bool AreEntriesPlausible(const Message& message) {
  LogIndex previous = message.log_index;
  Term term = message.log_term;
  for (const Entry& entry : message.entries) {
    const bool is_in_order = entry.index == previous.Next() && entry.term >= term;
    if (!is_in_order || entry.term == Term{} || entry.term > message.term) return false;
    const bool is_config = entry.type == EntryType::kConfig;
    if (is_config && (!entry.configuration || entry.configuration->voters.empty())) return false;
    previous = entry.index;
    term = entry.term;
  }
  return true;
}

bool IsSnapshotPlausible(const Message& message) {
  return message.snapshot && message.snapshot->index > LogIndex{} &&
         message.snapshot->term <= message.term && !message.snapshot->configuration.voters.empty();
}

}  // namespace

void Core::Impl::Step(Message message, MonotonicTime now) {
  AdvanceTime(now);
  if (!IsPlausible(message)) return;
  // Pre-votes carry terms that nobody is in yet, so they never change ours by themselves.
  if (message.type == MessageType::kPreVoteRequest) return OnPreVoteRequest(message);
  if (message.type == MessageType::kPreVoteResponse && !message.reject) {
    return OnPreVoteResponse(message);
  }
  if (message.term < term_ && !HasBug("old-term-heeded")) return AnswerStale(message);
  if (message.term > term_ && !AdoptTerm(message)) return;
  Dispatch(message);
}

bool Core::Impl::IsPlausible(const Message& message) const {
  if (message.to != options_.id || message.from == options_.id || message.from == kNoNode) {
    return false;
  }
  if (message.term == Term{} || message.term.value() > kTermMax) return false;
  if (!MayComeFromStranger(message.type) && !configuration().IsMember(message.from)) return false;
  if (message.type == MessageType::kSnapshotRequest && !IsSnapshotPlausible(message)) return false;
  return AreEntriesPlausible(message);
}

bool Core::Impl::AdoptTerm(const Message& message) {
  // While a leader is heard of, a campaign is a disturbance: not even its term counts (trap 12).
  if (message.type == MessageType::kVoteRequest && IsSticky() && !message.transfer) return false;
  BecomeFollower(message.term, IsFromLeader(message.type) ? message.from : kNoNode);
  return true;
}

// The sender learns our term, and nothing in the answer can pass for consent (trap 4). Without it a
// node whose term is ahead would be stuck: it refuses the leader, and the leader never hears why.
void Core::Impl::AnswerStale(const Message& message) {
  MessageType type = MessageType::kAppendResponse;
  if (message.type == MessageType::kVoteRequest) {
    type = MessageType::kVoteResponse;
  } else if (message.type == MessageType::kReadIndexRequest) {
    type = MessageType::kReadIndexResponse;
  } else if (!IsFromLeader(message.type)) {
    // A late refusal of a pre-vote still counts against it; anything else is over.
    if (message.type == MessageType::kPreVoteResponse) OnPreVoteResponse(message);
    return;
  }
  Message answer = NewMessage(type, message.from);
  answer.reject = true;
  answer.log_index = message.log_index;
  answer.read_context = message.read_context;
  SendNow(std::move(answer));
}

void Core::Impl::Dispatch(Message& message) {
  switch (message.type) {
    case MessageType::kPreVoteRequest:
      return;  // handled before terms are compared
    case MessageType::kPreVoteResponse:
      return OnPreVoteResponse(message);
    case MessageType::kVoteRequest:
      return OnVoteRequest(message);
    case MessageType::kVoteResponse:
      return OnVoteResponse(message);
    case MessageType::kAppendRequest:
      return OnAppendRequest(message);
    case MessageType::kAppendResponse:
      return OnAppendResponse(message);
    case MessageType::kHeartbeatRequest:
      return OnHeartbeatRequest(message);
    case MessageType::kHeartbeatResponse:
      return OnHeartbeatResponse(message);
    case MessageType::kReadIndexRequest:
      return OnReadIndexRequest(message);
    case MessageType::kReadIndexResponse:
      return OnReadIndexResponse(message);
    case MessageType::kSnapshotRequest:
      return OnSnapshotRequest(message);
    case MessageType::kTimeoutNow:
      return OnTimeoutNow(message);
    case MessageType::kSnapshotResponse:
      return OnSnapshotResponse(message);
  }
}

}  // namespace seshat
