#include "group_driver_reads.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "seshat/base/seeded_bug.h"

namespace seshat {
namespace {

using Reads = std::vector<PendingRead>;

MonotonicTime EarliestDeadline(const Reads& reads) {
  // Every read has the same patience, so they expire in the order they came.
  return reads.empty() ? kNever : reads.front().deadline;
}

void MoveExpired(Reads& reads, MonotonicTime now, std::vector<ReadQueue::Finished>& out) {
  if (EarliestDeadline(reads) > now) return;
  const auto live = std::find_if(reads.begin(), reads.end(),
                                 [&](const PendingRead& read) { return read.deadline > now; });
  for (auto it = reads.begin(); it != live; ++it) {
    out.push_back({std::move(it->done),
                   MakeError(ErrorCode::kUnavailable, "no leader confirmed the read in time")});
  }
  reads.erase(reads.begin(), live);
}

}  // namespace

std::vector<ReadQueue::Round>::iterator ReadQueue::FindRound(std::uint64_t context) {
  return std::find_if(rounds_.begin(), rounds_.end(), [&](const Round& round) {
    return std::find(round.contexts.begin(), round.contexts.end(), context) != round.contexts.end();
  });
}

void ReadQueue::Ask(Core& core, MonotonicTime now) {
  if (HasBug("read-joins-asked-round") && !rounds_.empty()) {
    std::ranges::move(std::exchange(waiting_, {}), std::back_inserter(rounds_.back().reads));
  }
  if (!waiting_.empty() && rounds_.size() < kRoundsMax) {
    rounds_.push_back({std::exchange(waiting_, {}), {}, now});
  }
  for (Round& round : rounds_) {
    if (round.ask_at > now) continue;
    round.ask_at = now + retry_;
    if (next_context_ == 0) ++next_context_;
    if (core.RequestRead(next_context_, now)) round.contexts.push_back(next_context_++);
  }
}

void ReadQueue::OnLeaderKnown() {
  for (Round& round : rounds_) {
    if (round.contexts.empty()) round.ask_at = MonotonicTime{};
  }
}

void ReadQueue::OnGranted(const ReadGrant& grant, UnixMillis leader_time) {
  const auto round = FindRound(grant.context);
  if (round == rounds_.end()) return;  // an earlier context of it was granted
  granted_.push_back({std::move(round->reads), grant.index, leader_time});
  rounds_.erase(round);
}

void ReadQueue::OnFailed(std::uint64_t context, MonotonicTime now) {
  const auto round = FindRound(context);
  if (round == rounds_.end()) return;
  std::erase(round->contexts, context);
  if (round->contexts.empty()) round->ask_at = std::min(round->ask_at, now + retry_ / 10);
}

std::vector<ReadQueue::Finished> ReadQueue::TakeServable(LogIndex applied) {
  std::vector<Finished> finished;
  for (Granted& granted : granted_) {
    if (granted.index > applied && !HasBug("read-before-applied")) continue;
    for (PendingRead& read : granted.reads) {
      finished.push_back({std::move(read.done), ReadPermit{granted.leader_time, applied}});
    }
    granted.reads.clear();
  }
  std::erase_if(granted_, [](const Granted& granted) { return granted.reads.empty(); });
  return finished;
}

std::vector<ReadQueue::Finished> ReadQueue::TakeExpired(MonotonicTime now) {
  std::vector<Finished> finished;
  if (now < NextDeadline()) return finished;
  MoveExpired(waiting_, now, finished);
  for (Round& round : rounds_) MoveExpired(round.reads, now, finished);
  for (Granted& granted : granted_) MoveExpired(granted.reads, now, finished);
  std::erase_if(rounds_, [](const Round& round) { return round.reads.empty(); });
  std::erase_if(granted_, [](const Granted& granted) { return granted.reads.empty(); });
  return finished;
}

std::vector<ReadQueue::Finished> ReadQueue::TakeAll(const Error& why) {
  std::vector<Finished> finished;
  const auto move_all = [&](Reads& reads) {
    for (PendingRead& read : reads)
      finished.push_back({std::move(read.done), std::unexpected(why)});
  };
  for (Granted& granted : granted_) move_all(granted.reads);
  for (Round& round : rounds_) move_all(round.reads);
  move_all(waiting_);
  granted_.clear();
  rounds_.clear();
  waiting_.clear();
  return finished;
}

MonotonicTime ReadQueue::NextDeadline() const {
  MonotonicTime next = EarliestDeadline(waiting_);
  for (const Round& round : rounds_) {
    next = std::min({next, round.ask_at, EarliestDeadline(round.reads)});
  }
  for (const Granted& granted : granted_) next = std::min(next, EarliestDeadline(granted.reads));
  return next;
}

}  // namespace seshat
