// What the streams, dialers and the acceptor of one transport share: its options, its ports and
// what it says of itself.
#pragma once

#include <cstddef>
#include <string>

#include "handshake.h"
#include "io_thread.h"
#include "seshat/base/mutex.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/rng.h"
#include "seshat/ports/transport.h"
#include "seshat/transport/handshake_policy.h"
#include "seshat/transport/transport_options.h"
#include "stream_kind.h"
#include "timer_queue.h"

namespace seshat {

// Counts what still has callbacks to come, so that Stop can wait for the last.
// Threads: thread-safe.
class LiveCount {
 public:
  void Add();
  void Remove();
  void WaitForNone();

 private:
  Mutex mutex_;
  CondVar none_;
  std::size_t count_ SESHAT_GUARDED_BY(mutex_) = 0;
};

// Threads: thread-safe; what is public and not a method is immutable.
class TransportContext {
 public:
  TransportContext(TransportOptions options_in, PeerIdentity identity, PeerHandler& handler_in,
                   HandshakePolicy& policy_in, Clock& clock_in, Rng& rng_in, Metrics& metrics_in);

  LocalEnd Local() const;
  void SetIdentity(PeerIdentity identity);
  void Report(LinkEvent::Kind kind, NodeId peer, std::string detail) const;

  const TransportOptions options;
  PeerHandler& handler;
  HandshakePolicy& policy;
  Clock& clock;
  Rng& rng;
  Metrics& metrics;
  Counter& protocol_errors;
  Counter& handshakes_refused;
  TimerQueue timers;
  IoThread io;
  LiveCount dialed_streams;

 private:
  mutable Mutex mutex_;
  PeerIdentity identity_ SESHAT_GUARDED_BY(mutex_);
};

// Threads: immutable; what it refers to is thread-safe.
struct StreamMetrics {
  Counter& messages_dropped;
  Counter& bytes_dropped;
  Counter& bytes_sent;
  Gauge& queue_bytes;

  StreamMetrics(TransportContext& context, NodeId peer, StreamKind kind);
};

}  // namespace seshat
