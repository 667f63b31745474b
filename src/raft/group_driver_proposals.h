// ProposalsInFlight: who waits for which log entry.
//
// A proposer may hear "not applied" only when that is proven. Losing the leadership proves nothing,
// and neither does a truncation here: a node that still holds the entry may be elected and commit
// it. The one proof is another entry *committed* at the same index. Until then the outcome is
// unknown, and that is what the proposer hears once it has waited long enough.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/state_machine.h"

namespace seshat {

using ProposalWaiters = std::vector<std::unique_ptr<ProposalWaiter>>;

// Counts proposals from admission until their outcome is out.
// Threads: thread-safe.
class ProposalBudget {
 public:
  ProposalBudget(std::size_t count_max, std::size_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  // A single command over the byte bound is admitted when nothing else is in flight.
  bool Admit(std::size_t bytes);
  void Release(std::size_t count, std::size_t bytes);
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  const std::size_t count_max_;
  const std::size_t bytes_max_;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::size_t> bytes_{0};
};

// Threads: owned by the group's raft executor.
class ProposalsInFlight {
 public:
  ProposalsInFlight(ProposalBudget& budget, Duration outcome_wait)
      : budget_(budget), outcome_wait_(outcome_wait) {}

  // Pre: `term` is not below that of any entry added before.
  void Add(Term term, LogIndex index, ProposalWaiters waiters, std::size_t bytes);

  struct Taken {
    ProposalWaiters waiters;  // empty when the entry is not ours
    std::size_t bytes = 0;    // still counted in the budget: release when applied
  };
  // The entry at `index` that has committed is that of `term`. Entries of ours that this proves
  // dead are answered: not applied. Pre: `index` ascending from call to call.
  Taken OnCommitted(Term term, LogIndex index, NodeId leader);

  // This node leads no more (or leads in a new term): what is in the log has a deadline now.
  void OnLeadershipLost(MonotonicTime now);
  void Expire(MonotonicTime now);
  // Answers everything: outcome unknown.
  void AbandonAll(const char* why);

  MonotonicTime NextDeadline() const;

 private:
  struct Item {
    Term term;
    LogIndex index;
    ProposalWaiters waiters;
    std::size_t bytes = 0;
    MonotonicTime deadline = kNever;
  };
  void Abandon(Item& item, const char* why);

  ProposalBudget& budget_;
  const Duration outcome_wait_;
  std::deque<Item> items_;  // ascending by index and by term
};

}  // namespace seshat
