#include "promise_checks.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

namespace seshat {

PromiseChecks::PromiseChecks(GroupId group, std::map<NodeId, CheckedMachine> machines,
                             const Memberships& memberships, std::function<void(std::string)> fail)
    : group_(group),
      machines_(std::move(machines)),
      memberships_(memberships),
      fail_(std::move(fail)) {}

v1::RaftHardState PromiseChecks::DurableState(NodeId node) const {
  v1::RaftHardState state;
  const std::optional<std::string> row = machines_.at(node).disk->DurableState(group_);
  if (row && !state.ParseFromString(*row)) {
    fail_(fmt::format("node {} has a state on its disk that does not decode", node.value()));
  }
  return state;
}

void PromiseChecks::OnSend(NodeId from, std::string_view payload) {
  v1::RaftMessageBatch batch;
  if (!batch.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return fail_(fmt::format("node {} sends what does not decode", from.value()));
  }
  for (const v1::RaftMessage& message : batch.messages()) OnMessage(from, message);
}

void PromiseChecks::OnMessage(NodeId from, const v1::RaftMessage& message) {
  switch (message.type()) {
    case v1::VOTE_REQUEST:
      if (message.transfer()) transfers_.emplace(message.term(), from);
      return OnVote(from, message, from);
    case v1::VOTE_RESPONSE:
      if (!message.reject()) OnVote(from, message, NodeId(message.to()));
      return;
    case v1::APPEND_RESPONSE:
      if (!message.reject()) OnAcknowledged(from, message);
      return;
    case v1::HEARTBEAT_RESPONSE:
      if (message.promise_ms() > 0) OnPromise(from, message);
      return;
    default:
      return;
  }
}

// The disk may have come further by now, but not further back.
void PromiseChecks::OnVote(NodeId from, const v1::RaftMessage& message, NodeId candidate) {
  const v1::RaftHardState state = DurableState(from);
  const bool is_durable = state.term() > message.term() ||
                          (state.term() == message.term() && state.vote() == candidate.value());
  if (!is_durable) {
    fail_(fmt::format("node {} votes for node {} in term {} before its disk has that", from.value(),
                      candidate.value(), message.term()));
  }
  const auto [vote, is_first] = votes_.emplace(std::pair(Term(message.term()), from), candidate);
  if (!is_first && vote->second != candidate) {
    fail_(fmt::format("node {} votes for two in term {}: nodes {} and {}", from.value(),
                      message.term(), vote->second.value(), candidate.value()));
  }
  CheckLoyalty(from, Term(message.term()), candidate);
}

void PromiseChecks::CheckLoyalty(NodeId voter, Term term, NodeId candidate) {
  if (transfers_.contains({term, candidate})) return;
  for (const auto& [nodes, loyalty] : loyalties_) {
    const auto& [promised_by, leader] = nodes;
    if (promised_by != voter || leader == candidate || term <= loyalty.term) continue;
    if (machines_.at(leader).clock->Now() >= loyalty.until) continue;
    fail_(fmt::format("node {} votes for node {} while node {} may count on its promise",
                      voter.value(), candidate.value(), leader.value()));
  }
}

void PromiseChecks::OnLeader(NodeId node, Term term) {
  // Its own vote is on its disk; in a group of one it tells nobody.
  const v1::RaftHardState own = DurableState(node);
  const bool has_own = Term(own.term()) == term && own.vote() == node.value();
  const auto has_vote_of = [&](NodeId voter) {
    if (voter == node) return has_own;
    const auto vote = votes_.find({term, voter});
    return vote != votes_.end() && vote->second == node;
  };
  if (memberships_.MayBeQuorum(has_vote_of)) return;
  std::string voters;
  for (const auto& [voter, machine] : machines_) {
    if (has_vote_of(voter)) voters += fmt::format(" {}", voter.value());
  }
  fail_(fmt::format("node {} leads in term {} without a quorum, by the votes of:{}", node.value(),
                    term.value(), voters));
}

void PromiseChecks::OnAcknowledged(NodeId from, const v1::RaftMessage& message) {
  const v1::RaftHardState state = DurableState(from);
  if (state.term() > message.term()) return;  // a later leader may have replaced it
  const LogIndex index(message.log_index());
  const SimDisk& disk = *machines_.at(from).disk;
  const bool is_durable =
      index < disk.DurableFirst(group_) || disk.DurableRecord(group_, index).has_value();
  if (is_durable && state.term() == message.term()) return;
  fail_(fmt::format("node {} acknowledges entry {} in term {} before its disk has both",
                    from.value(), index.value(), message.term()));
}

// A leader counts four fifths of the promise from when it asked, so that clocks may differ.
void PromiseChecks::OnPromise(NodeId from, const v1::RaftMessage& message) {
  const v1::RaftHardState state = DurableState(from);
  if (state.promise_ms() < message.promise_ms() || state.term() < message.term()) {
    fail_(fmt::format("node {} promises {} ms in term {} before its disk has both", from.value(),
                      message.promise_ms(), message.term()));
  }
  const Duration promise = std::chrono::milliseconds(message.promise_ms());
  const MonotonicTime until{Duration(message.sent_at_ns()) + promise / 5 * 4};
  Loyalty& loyalty = loyalties_[{from, NodeId(message.to())}];
  loyalty = {.term = std::max(loyalty.term, Term(message.term())),
             .until = std::max(loyalty.until, until)};
}

}  // namespace seshat
