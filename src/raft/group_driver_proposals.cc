#include "group_driver_proposals.h"

#include <algorithm>
#include <utility>

#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

bool ProposalBudget::Admit(std::size_t bytes) {
  const std::size_t count_before = count_.fetch_add(1, std::memory_order_relaxed);
  const std::size_t bytes_before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
  const bool bytes_fit = bytes_before == 0 || bytes_before + bytes <= bytes_max_;
  if (count_before < count_max_ && bytes_fit) return true;
  Release(1, bytes);
  return false;
}

void ProposalBudget::Release(std::size_t count, std::size_t bytes) {
  count_.fetch_sub(count, std::memory_order_relaxed);
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

void ProposalsInFlight::Add(Term term, LogIndex index, ProposalWaiters waiters, std::size_t bytes) {
  // Entries of an earlier term of ours that were truncated since, and whose place is taken now.
  // The new entry may itself never commit, so their outcome is still unproven.
  while (!items_.empty() && items_.back().index >= index) {
    SESHAT_CHECK(items_.back().term < term);
    Abandon(items_.back(), "the leader changed before the write was committed");
    items_.pop_back();
  }
  items_.push_back({term, index, std::move(waiters), bytes, kNever});
}

ProposalsInFlight::Taken ProposalsInFlight::OnCommitted(Term term, LogIndex index, NodeId leader) {
  Taken taken;
  while (!items_.empty() && items_.front().index <= index) {
    Item item = std::move(items_.front());
    items_.pop_front();
    if (item.index < index) {  // skipped over: a snapshot told us no term
      Abandon(item, "the write was overtaken by a snapshot");
    } else if (item.term == term || HasBug("answered-by-index-alone")) {
      taken = {std::move(item.waiters), item.bytes};
    } else {
      for (auto& waiter : item.waiters) {
        waiter->OnNotApplied(
            Error(ErrorCode::kUnavailable, "another leader's entry took its place"), leader);
      }
      budget_.Release(item.waiters.size(), item.bytes);
    }
  }
  return taken;
}

void ProposalsInFlight::OnLeadershipLost(MonotonicTime now) {
  for (Item& item : items_) item.deadline = std::min(item.deadline, now + outcome_wait_);
}

void ProposalsInFlight::Expire(MonotonicTime now) {
  // Older entries never have the later deadline: those without one are the newest.
  while (!items_.empty() && items_.front().deadline <= now) {
    Abandon(items_.front(), "the leader changed before the write was committed");
    items_.pop_front();
  }
}

void ProposalsInFlight::AbandonAll(const char* why) {
  while (!items_.empty()) {
    Abandon(items_.front(), why);
    items_.pop_front();
  }
}

MonotonicTime ProposalsInFlight::NextDeadline() const {
  return items_.empty() ? kNever : items_.front().deadline;
}

void ProposalsInFlight::Abandon(Item& item, const char* why) {
  for (auto& waiter : item.waiters) {
    if (HasBug("unknown-reported-as-failed")) {
      waiter->OnNotApplied(Error(ErrorCode::kUnavailable, why), kNoNode);
      continue;
    }
    waiter->OnOutcomeUnknown(Error(ErrorCode::kOutcomeUnknown, why));
  }
  budget_.Release(item.waiters.size(), item.bytes);
}

}  // namespace seshat
