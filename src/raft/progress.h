// Progress: what a leader knows about one follower, and how much it may send it.
//
// Flow control lives here and nowhere else: a probed follower gets one message at a time, a
// replicating one gets everything until the messages or the bytes in flight reach their bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/core.h"

namespace seshat {

// The appends on their way to one follower, oldest first.
// Threads: owned by the group's executor.
class Inflights {
 public:
  void Add(LogIndex last, std::size_t bytes);
  // Everything up to and including `match` has arrived.
  void FreeTo(LogIndex match);
  void Clear();

  std::size_t messages() const { return sent_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Sent {
    LogIndex last;
    std::size_t bytes = 0;
  };
  std::deque<Sent> sent_;
  std::size_t bytes_ = 0;
};

// Threads: owned by the group's executor.
struct Progress {
  using State = FollowerStatus::State;

  NodeId id;
  State state = State::kProbe;
  LogIndex match;                           // known to be durable there
  LogIndex next;                            // the next entry to send
  std::optional<SnapshotDescriptor> offer;  // kSnapshot: what it is asked to take
  Inflights inflights;                      // kReplicate only
  bool probed = false;    // kProbe: a probe is out; the next waits for an answer or a heartbeat's
  bool fetching = false;  // entries from `next` on are being read from the log
  bool ping_due = false;  // an empty append shall ask where the follower stands
  bool acked_since_heartbeat = false;

  MonotonicTime last_contact;     // when its last message of this term came in
  MonotonicTime vouched_until{};  // it votes for nobody else before then (read rules 4 and 6)
  std::uint64_t read_round_acked = 0;

  // Whether an append with entries may leave now.
  bool MaySend(const CoreOptions& options) const;

  void BecomeProbe(LogIndex new_next);
  void BecomeReplicate();
  void BecomeSnapshot();

  // Entries up to `last`, `bytes` in all, have been handed to the network.
  void OnSent(LogIndex last, std::size_t bytes);
  // The follower holds everything up to `index`. Returns whether that is news.
  bool OnAcknowledged(LogIndex index);
  // The follower refused the append after `refused`; `retry_next` is where its log may agree.
  // Returns false when the answer is stale, so that nothing may be concluded from it (trap 4).
  bool OnRefused(LogIndex refused, LogIndex retry_next);
};

}  // namespace seshat
