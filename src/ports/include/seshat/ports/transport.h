// Messages between nodes, as opaque payloads.
#pragma once

#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"

namespace seshat {

enum class Channel {
  kControl,  // small and urgent: heartbeats, votes, read index
  kAppend,   // log entries and their acknowledgements
};

// What a call is about: each kind has a stream of its own, so that a snapshot delays no command.
enum class CallKind {
  kForward,   // clients' commands, to the node that leads their shard
  kSnapshot,  // chunks of snapshots
};

// Threads: thread-safe; never blocks.
class Transport {
 public:
  virtual ~Transport() = default;

  // Best effort: may be dropped (no connection, queue full), delayed, never corrupted. In order
  // within a channel while a connection lasts.
  virtual void Send(NodeId to, Channel channel, std::string payload) = 0;

  // A request with one reply. `done` runs exactly once, on a transport thread.
  // Errors: kUnavailable, kResourceExhausted: not sent, nothing was done. kOutcomeUnknown: the
  //         stream broke or the deadline passed after sending.
  virtual void Call(NodeId to, CallKind kind, std::string request, MonotonicTime deadline,
                    UniqueFunction<void(Result<std::string>)> done) = 0;
};

// What a node does with what its peers send. Called on transport threads; must not block.
// Threads: thread-safe.
class PeerHandler {
 public:
  virtual ~PeerHandler() = default;

  virtual void OnMessage(NodeId from, Channel channel, std::string payload) = 0;
  // `reply` may be called once, from any thread; dropping it breaks the call.
  virtual void OnCall(NodeId from, CallKind kind, std::string request,
                      UniqueFunction<void(std::string)> reply) = 0;
};

}  // namespace seshat
