// Linearizable reads: rounds of heartbeats, leases, and reads forwarded to the leader.
//
// The read rules (ADR 0005) are kept here: 2 and 3 in RequestRead and Grant, 4 and 6 in
// OnHeartbeatResponse and LeaseUntil. Rules 1 and 5 are the caller's clock; 7 is in core.cc.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {
namespace {

// Clocks of two machines may run at rates that differ; no sound one is off by a fifth.
Duration LeaseOf(Duration promise) {
  return HasBug("lease-exceeds-promise") ? promise * 2 : promise / 5 * 4;
}

}  // namespace

bool Core::Impl::LeadsWithCommit() const {
  if (HasBug("read-before-own-commit")) return role_ == Role::kLeader;
  return role_ == Role::kLeader && log_.TermAt(log_.commit()) == term_;
}

MonotonicTime Core::Impl::LeaseUntil() const {
  if (!options_.leases || !LeadsWithCommit()) return MonotonicTime{};
  const bool may_be_followed = gave_up_leases_ || transferee_ != kNoNode;
  if (may_be_followed && !HasBug("lease-kept-in-transfer")) return MonotonicTime{};
  if (HasBug("lease-without-quorum") && !followers_.empty()) {
    return std::ranges::max(followers_, {}, &Progress::vouched_until).vouched_until;
  }
  // Until then some quorum votes for nobody else, each of it by its own promise; and this node
  // votes for nobody without ending its leadership.
  return configuration().QuorumTime([this](NodeId node) {
    if (node == options_.id) return kNever;
    const Progress* follower = FindProgress(node);
    return follower ? follower->vouched_until : MonotonicTime{};
  });
}

Status Core::Impl::RequestRead(std::uint64_t context, MonotonicTime now) {
  AdvanceTime(now);
  if (role_ == Role::kLeader) {
    // Until an entry of its own term is committed it does not know what its predecessors committed.
    if (!LeadsWithCommit()) {
      return MakeError(ErrorCode::kUnavailable, "the new leader has not committed yet");
    }
    const PendingRead read{
        .context = context, .from = options_.id, .index = log_.commit(), .round = read_round_ + 1};
    if (now_ < LeaseUntil() || HasBug("read-index-without-round")) {
      Grant(read);
    } else if (pending_reads_.size() >= options_.pending_reads_max) {
      return MakeError(ErrorCode::kResourceExhausted, "too many reads wait for a quorum");
    } else {
      pending_reads_.push_back(read);
    }
    return {};
  }
  if (leader_ == kNoNode) return MakeError(ErrorCode::kUnavailable, "no leader is known");
  if (forwarded_reads_.size() >= options_.pending_reads_max) {
    // The oldest was probably lost on the way; keeping it would block all later ones for good.
    failed_reads_.push_back(forwarded_reads_.front());
    forwarded_reads_.pop_front();
  }
  forwarded_reads_.push_back(context);
  Message request = NewMessage(MessageType::kReadIndexRequest, leader_);
  request.read_context = context;
  SendNow(std::move(request));
  return {};
}

void Core::Impl::OnReadIndexRequest(const Message& message) {
  const PendingRead read{.context = message.read_context,
                         .from = message.from,
                         .index = log_.commit(),
                         .round = read_round_ + 1};
  const bool may_grant = now_ < LeaseUntil() || HasBug("read-index-without-round");
  if (LeadsWithCommit() && may_grant) return Grant(read);
  if (LeadsWithCommit() && pending_reads_.size() < options_.pending_reads_max) {
    pending_reads_.push_back(read);
    return;
  }
  Message answer = NewMessage(MessageType::kReadIndexResponse, message.from);
  answer.read_context = message.read_context;
  answer.reject = true;
  SendNow(std::move(answer));
}

void Core::Impl::OnReadIndexResponse(const Message& message) {
  const auto at = std::ranges::find(forwarded_reads_, message.read_context);
  if (message.from != leader_ || at == forwarded_reads_.end()) return;
  forwarded_reads_.erase(at);
  if (message.reject && !HasBug("refused-read-granted")) {
    failed_reads_.push_back(message.read_context);
    return;
  }
  // The answer also says what is committed; without it the read would wait for the next append.
  leader_commit_ = std::max(leader_commit_, message.log_index);
  CommitTo(std::min(leader_commit_,
                    HasBug("read-answer-commits-unmatched") ? log_.last_index() : matched_));
  reads_.push_back({.context = message.read_context,
                    .index = HasBug("read-at-own-commit") ? log_.commit() : message.log_index,
                    .leader_time = message.leader_time});
}

void Core::Impl::Grant(const PendingRead& read) {
  if (read.from == options_.id) {
    reads_.push_back({.context = read.context, .index = read.index, .leader_time = {}});
    return;
  }
  Message answer = NewMessage(MessageType::kReadIndexResponse, read.from);
  answer.read_context = read.context;
  answer.log_index = read.index;
  SendNow(std::move(answer));
}

// Reads that wait join one round. While a round is out the next is not started: it begins when the
// round ends, or with the next regular heartbeat if answers were lost.
bool Core::Impl::IsReadRoundDue() const {
  const bool has_unasked = !pending_reads_.empty() && pending_reads_.back().round > read_round_;
  return has_unasked && (heartbeats_due_ || confirmed_round_ == read_round_);
}

void Core::Impl::StartReadRound() {
  ++read_round_;
  heartbeats_due_ = true;
  ConfirmReads();  // a group of one needs no answers
}

void Core::Impl::BroadcastHeartbeats() {
  heartbeats_due_ = false;
  heartbeat_due_ = now_ + options_.heartbeat_interval;
  for (const Progress& follower : followers_) {
    Message request = NewMessage(MessageType::kHeartbeatRequest, follower.id);
    request.commit = std::min(follower.match, log_.commit());
    if (HasBug("heartbeat-commits-unmatched")) request.commit = log_.commit();
    request.read_context = read_round_ > confirmed_round_ ? read_round_ : 0;
    request.sent_at = now_;
    request.promise = options_.leases ? options_.stickiness : Duration::zero();
    SendNow(std::move(request));
  }
}

void Core::Impl::OnHeartbeatResponse(const Message& message) {
  Progress* follower = FindProgress(message.from);
  if (role_ != Role::kLeader || !follower || message.sent_at > now_) return;
  follower->last_contact = now_;
  // The lease counts from when we asked, which is before the promise began.
  const Duration promise = HasBug("lease-by-own-stickiness")
                               ? options_.stickiness
                               : std::clamp(message.promise, Duration::zero(), options_.stickiness);
  if (promise > Duration::zero() && message.sent_at >= MonotonicTime{}) {
    const MonotonicTime begin = HasBug("lease-from-answer") ? now_ : message.sent_at;
    follower->vouched_until = std::max(follower->vouched_until, begin + LeaseOf(promise));
  }

  if (follower->state == Progress::State::kProbe) {
    follower->probed = false;
  } else if (follower->state == Progress::State::kReplicate) {
    // It answers, but acknowledges nothing of what is on its way: either its disk is slow or a
    // message was lost. An empty append finds out without sending everything again.
    const bool is_waiting = follower->match.Next() < follower->next;
    const bool asks = is_waiting && !follower->acked_since_heartbeat;
    if (asks && !HasBug("lost-append-not-noticed")) follower->ping_due = true;
    follower->acked_since_heartbeat = false;
  } else {
    OfferSnapshot(*follower);
  }
  NoteIfSendable(*follower);

  if (message.read_context <= read_round_) {
    const std::uint64_t round = HasBug("any-answer-confirms") ? read_round_ : message.read_context;
    follower->read_round_acked = std::max(follower->read_round_acked, round);
    if (round > confirmed_round_) ConfirmReads();
  }
}

void Core::Impl::ConfirmReads() {
  // Rounds are few: usually one is out, and a lost one is overtaken by the next heartbeat's.
  while (confirmed_round_ < read_round_) {
    const std::uint64_t round = confirmed_round_ + 1;
    const bool is_confirmed = configuration().HasQuorum([this, round](NodeId node) {
      if (node == options_.id) return true;
      const Progress* follower = FindProgress(node);
      return follower && follower->read_round_acked >= round;
    });
    if (!is_confirmed) return;
    confirmed_round_ = round;
  }
  while (!pending_reads_.empty() && pending_reads_.front().round <= confirmed_round_) {
    Grant(pending_reads_.front());
    pending_reads_.pop_front();
  }
}

void Core::Impl::FailPendingReads() {
  for (const PendingRead& read : pending_reads_) {
    if (read.from == options_.id) {
      failed_reads_.push_back(read.context);
      continue;
    }
    Message answer = NewMessage(MessageType::kReadIndexResponse, read.from);
    answer.read_context = read.context;
    answer.reject = true;
    SendNow(std::move(answer));
  }
  pending_reads_.clear();
}

void Core::Impl::FailForwardedReads() {
  failed_reads_.insert(failed_reads_.end(), forwarded_reads_.begin(), forwarded_reads_.end());
  forwarded_reads_.clear();
}

}  // namespace seshat
