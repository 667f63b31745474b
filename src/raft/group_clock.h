// GroupClock: the time that a group's leader stamps proposals with.
//
// It follows the wall clock but never goes back, and it gains on a wall clock that is ahead at no
// more than twice real time, so that one machine an hour ahead cannot drag the group. It reads no
// clock: readings are passed in.
#pragma once

#include "seshat/base/time.h"

namespace seshat {

// Threads: owned by its user. Source: docs/adr/0004-time-and-expiry.md.
class GroupClock {
 public:
  // `start`: the highest stamp applied, 0 for a group that has none: then the first wall reading
  // is taken as it is, for there is nothing that it could contradict.
  GroupClock(UnixMillis start, MonotonicTime now);

  // The current stamp. `now` earlier than a previous one counts as that one.
  UnixMillis Advance(MonotonicTime now, UnixMillis wall);

  // The stamp without a look at the wall clock: for a node that does not lead and whose wall clock
  // therefore has no say. 0 while nothing is known of the group's time.
  UnixMillis Reckon(MonotonicTime now);

  // Raises the clock to a time known to be the group's: an applied stamp, or the leader's word.
  void Observe(UnixMillis stamp, MonotonicTime now);

  // How far the wall clock has run away from the monotonic one since this was made or since the
  // last report: positive when ahead. A value beyond kDriftMax is reported once, then becomes the
  // new normal; otherwise 0.
  Duration TakeDrift(MonotonicTime now, UnixMillis wall);

  static constexpr Duration kDriftMax = std::chrono::milliseconds(500);

 private:
  Duration Elapse(MonotonicTime now);

  // Nanoseconds, not milliseconds: many short steps must add up.
  Duration since_epoch_;
  MonotonicTime at_;
  bool is_set_;
  Duration wall_offset_{0};  // wall minus monotonic
  bool has_wall_offset_ = false;
};

}  // namespace seshat
