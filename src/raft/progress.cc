#include "progress.h"

#include <algorithm>

#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

void Inflights::Add(LogIndex last, std::size_t bytes) {
  SESHAT_CHECK(sent_.empty() || sent_.back().last < last);
  sent_.push_back({.last = last, .bytes = bytes});
  bytes_ += bytes;
}

void Inflights::FreeTo(LogIndex match) {
  while (!sent_.empty() && sent_.front().last <= match) {
    bytes_ -= sent_.front().bytes;
    sent_.pop_front();
  }
}

void Inflights::Clear() {
  sent_.clear();
  bytes_ = 0;
}

bool Progress::MaySend(const CoreOptions& options) const {
  if (fetching) return false;
  switch (state) {
    case State::kProbe:
      return !probed;
    case State::kReplicate:
      return inflights.messages() < options.inflight_messages_max &&
             inflights.bytes() < options.inflight_bytes_max;
    case State::kSnapshot:
      return false;
  }
  return false;
}

void Progress::BecomeProbe(LogIndex new_next) {
  state = State::kProbe;
  next = std::max(new_next, match.Next());
  probed = false;
  fetching = false;
  ping_due = false;
  inflights.Clear();
}

void Progress::BecomeReplicate() {
  BecomeProbe(match.Next());
  state = State::kReplicate;
}

void Progress::BecomeSnapshot() {
  BecomeProbe(next);
  offer.reset();
  state = State::kSnapshot;
}

void Progress::OnSent(LogIndex last, std::size_t bytes) {
  if (state == State::kProbe) {
    // `next` stays: until the follower agrees, nothing is known to have arrived.
    probed = true;
    return;
  }
  SESHAT_CHECK(state == State::kReplicate && last >= next);
  inflights.Add(last, bytes);
  if (HasBug("sent-counts-as-held")) match = last;
  next = last.Next();
}

bool Progress::OnAcknowledged(LogIndex index) {
  acked_since_heartbeat = true;
  const bool news = index > match;
  if (news) match = index;
  next = std::max(next, match.Next());
  inflights.FreeTo(match);
  return news;
}

bool Progress::OnRefused(LogIndex refused, LogIndex retry_next) {
  if (refused <= match) return false;
  if (state == State::kSnapshot) return false;
  if (state == State::kProbe && refused.Next() != next) return false;
  if (HasBug("conflict-hint-off-by-one")) refused = retry_next = retry_next.Next();
  BecomeProbe(std::min(retry_next, refused));
  return true;
}

}  // namespace seshat
