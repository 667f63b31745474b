// The follower's half of replication: what it takes, refuses and acknowledges.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

// A message of this term's leader has come. False when it cannot be one.
bool Core::Impl::FollowLeader(NodeId leader) {
  // Two leaders in one term: somebody's bug, and nothing of theirs may be trusted.
  if (role_ == Role::kLeader || (leader_ != kNoNode && leader_ != leader)) return false;
  const bool is_passive = role_ == Role::kFollower || role_ == Role::kLearner;
  sticky_until_ = std::max(sticky_until_, now_ + options_.stickiness);
  if (is_passive && leader_ == leader) {
    ResetElectionTimer();
  } else {
    BecomeFollower(term_, leader);
  }
  return true;
}

void Core::Impl::OnAppendRequest(Message& message) {
  if (!FollowLeader(message.from)) return;
  LogIndex previous = message.log_index;
  std::size_t skip = 0;
  if (previous < log_.commit()) {
    // A late repetition, maybe from before our snapshot (trap 1). What we have committed every
    // leader has, so only what lies beyond can be news; the terms before it may be gone.
    const std::uint64_t known = log_.commit().value() - previous.value();
    skip = std::min<std::size_t>(known, message.entries.size());
    previous = log_.commit();
  } else if (!log_.Matches(previous, HasBug("append-without-term-check") ? log_.TermAt(previous)
                                                                         : message.log_term)) {
    return Refuse(message);
  }
  if (HasBug("committed-before-replaced")) CommitTo(std::min(message.commit, log_.last_index()));
  const LogIndex last = previous + (message.entries.size() - skip);
  bool appended = false;
  if (!AppendFromLeader(message.entries, skip, appended)) return;
  matched_ = std::max(matched_, last);
  leader_commit_ = std::max(leader_commit_, message.commit);
  CommitTo(std::min(leader_commit_, matched_));
  ack_due_ = true;
  // New entries are acknowledged when the disk has them.
  if (!appended) Acknowledge();
}

bool Core::Impl::AppendFromLeader(std::vector<Entry>& entries, std::size_t skip, bool& appended) {
  auto next = entries.begin() + static_cast<std::ptrdiff_t>(skip);
  while (next != entries.end() && log_.Matches(next->index, next->term)) ++next;
  if (next == entries.end()) return true;
  if (next->term < log_.TermAt(next->index.Previous())) return false;
  if (next->index <= log_.last_index()) {
    // No honest leader takes back what it has made us agree to or what is committed.
    if (next->index <= std::max(matched_, log_.commit())) return false;
    TruncateLog(next->index);
  }
  for (; next != entries.end(); ++next) AppendToLog(std::move(*next));
  appended = true;
  return true;
}

// One refusal lets the leader skip every entry of a term that cannot agree.
void Core::Impl::Refuse(const Message& message) {
  Message answer = NewMessage(MessageType::kAppendResponse, message.from);
  answer.reject = true;
  answer.log_index = message.log_index;
  answer.hint_index =
      std::max(log_.FindAgreement(message.log_index, message.log_term), log_.commit());
  answer.hint_term = log_.TermAt(answer.hint_index);
  SendNow(std::move(answer));
}

void Core::Impl::Acknowledge() {
  if (leader_ == kNoNode || leader_ == options_.id || durable_.term != term_) return;
  Message answer = NewMessage(MessageType::kAppendResponse, leader_);
  answer.log_index = std::min(log_.durable(), matched_);
  if (HasBug("acknowledged-before-durable")) answer.log_index = matched_;
  last_acked_ = answer.log_index;
  ack_due_ = log_.durable() < matched_;
  SendNow(std::move(answer));
}

void Core::Impl::OnHeartbeatRequest(const Message& message) {
  if (!FollowLeader(message.from)) return;
  // The leader knows that we hold this much of its log, so no match has to be shown first.
  CommitTo(std::min(message.commit, log_.last_index()));
  Message answer = NewMessage(MessageType::kHeartbeatResponse, message.from);
  answer.read_context = message.read_context;
  answer.sent_at = message.sent_at;
  answer.promise = std::clamp(message.promise, Duration::zero(), options_.stickiness);
  const Duration promise = answer.promise;
  SendOnceDurable(std::move(answer), promise);
}

}  // namespace seshat
