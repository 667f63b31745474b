// When a leader hands over because its own disk is slow: a figure for a disk, and the rule.
//
// A leader answers a client when its own disk has the write, so a slow disk there slows every
// write, while one under a follower slows none: the others are a majority without it. Why the
// figure and the rule are as they are: docs/adr/0018-slow-disks.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/core.h"
#include "seshat/raft/group_driver.h"

namespace seshat {

// How long log writes take to reach the disk: of each period the slowest, over the last nine
// periods with any. So a lone stall is no news, a stall every other period is, and what a disk was
// like outlasts a time without writes. Zero stands for: not known yet, which takes five periods.
// Threads: owned by its user.
class SyncLatency {
 public:
  SyncLatency(Duration period, MonotonicTime now);

  // A write has become durable, `took` after it was queued.
  void OnDurable(Duration took);
  // Call it often. `waited`: by the oldest write under way; zero: there is none. Once that is a
  // whole period it counts, so that a sync which never returns does.
  // True when a period has ended in which there was a write.
  bool Advance(MonotonicTime now, Duration waited);

  // The fifth slowest: in the middle. What this node judges itself by.
  Duration typical() const { return typical_; }
  // The third slowest: what others are told. Where all disks become slow together, they know it
  // of each other before any of them finds itself slow.
  Duration reported() const { return reported_; }
  // The slowest of the last period that had any.
  Duration latest() const { return periods_.empty() ? Duration::zero() : periods_.back(); }

 private:
  const Duration period_;
  MonotonicTime period_end_;
  Duration slowest_{0};  // in this period
  std::deque<Duration> periods_;
  Duration typical_{0};
  Duration reported_{0};
};

struct SlowDiskHandOver {
  NodeId to;
  Duration own;
  Duration theirs;

  bool operator==(const SlowDiskHandOver&) const = default;
};

// Threads: owned by the group's raft executor.
class SlowDiskRule {
 public:
  explicit SlowDiskRule(const SlowDiskOptions& options) : options_(options) {}

  // What a peer says of its own disk, on this leader's heartbeat; zero: it does not know, or is of
  // a release that does not say.
  void OnReport(NodeId peer, Duration latency);
  // Leadership has changed: what peers said before may be old.
  void Forget() { reported_.clear(); }

  // At the end of a period: whether to hand over now, and to whom. It then says no more before
  // `pause` has passed, whatever comes of it. Pre: no transfer is under way.
  std::optional<SlowDiskHandOver> Judge(const SyncLatency& own, const CoreStatus& status,
                                        MonotonicTime leader_since, MonotonicTime now);

 private:
  bool IsSlow(const SyncLatency& own) const;
  std::optional<SlowDiskHandOver> ChooseSuccessor(const SyncLatency& own,
                                                  const CoreStatus& status) const;

  const SlowDiskOptions options_;
  std::map<NodeId, Duration> reported_;  // by peers, and so few
  MonotonicTime not_before_{Duration::min()};
};

}  // namespace seshat
