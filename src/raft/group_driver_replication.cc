#include "group_driver_replication.h"

#include <algorithm>
#include <utility>

namespace seshat {

void ReplicationWaits::Add(ReplicationWait wait) {
  next_deadline_ = std::min(next_deadline_, wait.until);
  waits_.push_back(std::move(wait));
  has_new_ = true;
}

std::vector<ReplicationWaits::Finished> ReplicationWaits::TakeFinished(
    const std::vector<LogIndex>& held, MonotonicTime now) {
  std::vector<Finished> finished;
  if (!has_new_ && held == held_before_ && now < next_deadline_) return finished;
  has_new_ = false;
  held_before_ = held;
  next_deadline_ = kNever;
  std::vector<ReplicationWait> waiting;
  for (ReplicationWait& wait : waits_) {
    const auto holders = static_cast<std::size_t>(
        std::ranges::count_if(held, [&](LogIndex index) { return index >= wait.index; }));
    if (holders >= wait.wanted || now >= wait.until) {
      finished.push_back({std::move(wait.done), holders});
      continue;
    }
    next_deadline_ = std::min(next_deadline_, wait.until);
    waiting.push_back(std::move(wait));
  }
  waits_ = std::move(waiting);
  return finished;
}

std::vector<ReplicationWaits::Finished> ReplicationWaits::TakeAll(const Error& why) {
  std::vector<Finished> finished;
  for (ReplicationWait& wait : std::exchange(waits_, {})) {
    finished.push_back({std::move(wait.done), std::unexpected(why)});
  }
  next_deadline_ = kNever;
  return finished;
}

}  // namespace seshat
