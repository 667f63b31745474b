// GroupTime: the group clock as one node's driver keeps it.
//
// Adds to GroupClock what needs peers. A follower takes over the leader's time from its heartbeats,
// so that a new leader goes on where the old one was. After an outage of the whole cluster nobody
// knows the group's time: the state machine's clock lags by the length of the outage, and catching
// up at twice real time would halve every time to live meanwhile. So the first leader then asks the
// voters' wall clocks, once, and trusts what a quorum of them has reached.
#pragma once

#include <map>

#include "group_clock.h"
#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/ports/clock.h"
#include "seshat/raft/configuration.h"

namespace seshat {

// Threads: thread-safe.
class GroupTime {
 public:
  GroupTime(const Clock& clock, UnixMillis start);

  // The leader's stamp, or on other nodes what it should be by now; never goes back.
  UnixMillis Current();
  // While this node leads, its wall clock has a say.
  void SetLeading(bool is_leading);
  // An entry with this stamp is applied here, or the leader said so of a read.
  void OnApplied(UnixMillis stamp);
  // A heartbeat of the present leader.
  void OnLeaderTime(UnixMillis stamp);
  // A voter's wall clock, in an answer to our heartbeat; or our own when nobody else votes.
  void OnPeerWall(NodeId peer, UnixMillis wall, const Configuration& configuration, NodeId self);
  // True until the group's time is known from a leader or a quorum: peers' walls are wanted.
  bool NeedsAgreement();
  // GroupClock::TakeDrift.
  Duration TakeDrift();

 private:
  const Clock& clock_;
  Mutex mutex_;
  GroupClock group_clock_ SESHAT_GUARDED_BY(mutex_);
  bool is_leading_ SESHAT_GUARDED_BY(mutex_) = false;
  bool is_agreed_ SESHAT_GUARDED_BY(mutex_) = false;
  // Wall clocks as offsets from our monotonic clock, in milliseconds.
  std::map<NodeId, std::int64_t> peer_offsets_ms_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
