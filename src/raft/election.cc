// Who leads: timeouts, pre-votes, votes and what a node may not vote for.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

// A node that an uncommitted configuration leaves out may be the only one that can lead, because it
// alone has that very entry (trap 2). Once the entry is committed the others can do without it.
bool Core::Impl::MayCampaign() const {
  return std::ranges::any_of(LiveConfigurations(),
                             [this](const auto& at) { return at.second.IsVoter(options_.id); });
}

MonotonicTime Core::Impl::QuorumContact() const {
  return configuration().QuorumTime([this](NodeId node) {
    if (node == options_.id) return now_;
    const Progress* follower = FindProgress(node);
    return follower ? follower->last_contact : MonotonicTime{};
  });
}

// Whether this node must not help anyone to become leader now.
bool Core::Impl::IsSticky() const {
  if (HasBug("stickiness-ignored")) return false;
  if (role_ == Role::kLeader) return now_ < QuorumContact() + options_.stickiness;
  return now_ < sticky_until_;
}

void Core::Impl::SetTerm(Term term, NodeId vote) {
  SESHAT_CHECK(term > term_);
  term_ = term;
  vote_ = vote;
  if (!HasBug("match-kept-in-new-term")) matched_ = LogIndex{};
  leader_commit_ = LogIndex{};
  ack_due_ = false;
  last_acked_.reset();
}

void Core::Impl::ResetElectionTimer() {
  const auto spread = static_cast<std::uint64_t>(
      (options_.election_timeout_max - options_.election_timeout_min).count());
  const Duration jitter(static_cast<Duration::rep>(random_.Below(spread)));
  // A promise binds our own candidature as well: it would begin with a vote for ourselves.
  election_deadline_ = std::max(now_ + options_.election_timeout_min, sticky_until_) + jitter;
}

void Core::Impl::BecomeFollower(Term term, NodeId leader) {
  SESHAT_CHECK(term >= term_);
  const bool has_new_leader = leader != leader_ || term != term_;
  if (role_ == Role::kLeader) {
    // Rejections carry the term we led in: who asked in it must not take them for a newer one's.
    if (!HasBug("reads-survive-step-down")) FailPendingReads();
    if (!HasBug("progress-survives-step-down")) followers_.clear();
    ForgetTransfer();
  }
  if (has_new_leader) FailForwardedReads();
  if (term > term_) SetTerm(term, HasBug("vote-kept-in-new-term") ? vote_ : kNoNode);
  if (HasBug("vote-forgotten-on-step-down")) vote_ = kNoNode;
  role_ = PassiveRole();
  leader_ = leader;
  votes_.clear();
  ResetElectionTimer();
}

void Core::Impl::StartPreVote() {
  FailForwardedReads();
  role_ = Role::kPreCandidate;
  leader_ = kNoNode;
  votes_.clear();
  ResetElectionTimer();
  AskForVotes(MessageType::kPreVoteRequest, term_.Next(), false);
  // Nothing durable depends on a pre-vote, so our own counts at once.
  RecordVote(options_.id, true);
}

void Core::Impl::StartElection(bool is_transfer) {
  SetTerm(term_.Next(), options_.id);
  role_ = Role::kCandidate;
  leader_ = kNoNode;
  votes_.clear();
  ResetElectionTimer();
  AskForVotes(MessageType::kVoteRequest, term_, is_transfer);
}

void Core::Impl::AskForVotes(MessageType type, Term term, bool is_transfer) {
  for (const NodeId voter : configuration().Voters()) {
    if (voter == options_.id) continue;
    Message request = NewMessage(type, voter);
    request.term = term;
    request.log_index = log_.last_index();
    request.log_term = log_.last_term();
    request.transfer = is_transfer;
    if (type == MessageType::kPreVoteRequest) {
      SendNow(std::move(request));
    } else {
      // If we forgot after a crash that we ran in this term, we could vote for another in it.
      SendOnceDurable(std::move(request), Duration::zero());
    }
  }
}

void Core::Impl::RecordVote(NodeId from, bool granted) {
  const bool has_answered =
      std::ranges::any_of(votes_, [from](const auto& vote) { return vote.first == from; });
  if (!has_answered) votes_.emplace_back(from, granted);
  const VoteOutcome outcome = configuration().Tally([this](NodeId node) {
    for (const auto& [voter, yes] : votes_) {
      if (voter == node) return yes ? 1 : -1;
    }
    return 0;
  });
  if (outcome == VoteOutcome::kPending) return;
  if (outcome == VoteOutcome::kLost) return BecomeFollower(term_, kNoNode);
  if (role_ == Role::kPreCandidate) return StartElection(false);
  BecomeLeader();
}

// Our own vote counts like any other: once it would survive our crash. In a group of one this is
// the whole election (trap 3).
void Core::Impl::CountOwnVoteIfDurable() {
  if (role_ == Role::kCandidate && IsHardStateDurable(Duration::zero())) {
    RecordVote(options_.id, true);
  }
}

void Core::Impl::BecomeLeader() {
  SESHAT_CHECK(role_ == Role::kCandidate && durable_.term == term_ && vote_ == options_.id);
  role_ = Role::kLeader;
  leader_ = options_.id;
  votes_.clear();
  if (!HasBug("progress-survives-step-down")) followers_.clear();
  RebuildProgress();
  if (!HasBug("reads-survive-step-down")) {
    read_round_ = 0;
    confirmed_round_ = 0;
  }
  heartbeats_due_ = true;
  uncommitted_bytes_ = log_.CachedBytes(log_.commit().Next(), log_.last_index());
  // Entries of earlier terms are committed only by one of ours (paper, figure 8).
  AppendAsLeader(EntryType::kNoop, nullptr);
}

void Core::Impl::OnPreVoteRequest(const Message& message) {
  const bool grant =
      message.term > term_ && !IsSticky() && log_.IsUpToDate(message.log_index, message.log_term);
  Message answer = NewMessage(MessageType::kPreVoteResponse, message.from);
  answer.reject = !grant;
  // A refusal carries our own term: a candidate that is behind catches up with it, and so two nodes
  // of which one has the higher term and the other the longer log cannot block each other (trap 5).
  if (grant) answer.term = message.term;
  SendNow(std::move(answer));
}

void Core::Impl::OnPreVoteResponse(const Message& message) {
  if (role_ != Role::kPreCandidate) return;
  if (!message.reject && message.term != term_.Next()) return;
  RecordVote(message.from, !message.reject);
}

void Core::Impl::OnVoteRequest(const Message& message) {
  const bool is_free = vote_ == message.from || (vote_ == kNoNode && leader_ == kNoNode) ||
                       HasBug("two-votes-in-a-term");
  const bool grant = is_free && role_ != Role::kLeader && (message.transfer || !IsSticky()) &&
                     log_.IsUpToDate(message.log_index, message.log_term);
  if (grant) {
    vote_ = message.from;
    ResetElectionTimer();
  }
  Message answer = NewMessage(MessageType::kVoteResponse, message.from);
  answer.reject = !grant;
  if (HasBug("vote-sent-before-durable")) return SendNow(std::move(answer));
  SendOnceDurable(std::move(answer), Duration::zero());
}

void Core::Impl::OnVoteResponse(const Message& message) {
  // Nobody can have answered a request that has not left yet.
  if (role_ != Role::kCandidate || !IsHardStateDurable(Duration::zero())) return;
  RecordVote(message.from, !message.reject);
}

}  // namespace seshat
