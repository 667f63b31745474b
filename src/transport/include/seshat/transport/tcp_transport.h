// The transport between real processes: TCP connections, one set per direction and peer.
//
// It carries opaque payloads. It knows nothing of Raft, of commands or of who leads; whom to
// connect to and whom to let in is decided above (SetPeer, HandshakePolicy).
#pragma once

#include <memory>
#include <string>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/rng.h"
#include "seshat/ports/transport.h"
#include "seshat/transport/handshake_policy.h"
#include "seshat/transport/transport_options.h"

namespace seshat {

// Threads:  thread-safe; PeerHandler, HandshakePolicy and `done` are called on transport threads,
//           never under a lock of the transport.
// Source:   docs/adr/0009-peer-streams.md
class TcpTransport final : public Transport {
 public:
  // Listens and accepts streams at once; dials nobody before SetPeer.
  // Errors:   kInvalidArgument for options that contradict each other; kIo when the address cannot
  //           be listened on (taken, not ours, unresolvable).
  // Lifetime: everything passed by reference must live until Stop has returned.
  static Result<std::unique_ptr<TcpTransport>> Start(TransportOptions options,
                                                     PeerIdentity identity, PeerHandler& handler,
                                                     HandshakePolicy& policy, Clock& clock,
                                                     Rng& rng, Metrics& metrics);
  // Stops.
  ~TcpTransport() override;
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  // Handshakes that begin after it use `identity`; links that are up stay as they are.
  void SetIdentity(PeerIdentity identity);

  // Keeps a link to `peer` at `address` (host:port, host may be a DNS name), for ever, with
  // back-off. Another address than before closes the old link. This node's own id is ignored.
  void SetPeer(NodeId peer, std::string address);
  // Closes the link and dials no more; calls in flight end. Streams from the peer are closed, but
  // whether it may come back is the policy's to say.
  void RemovePeer(NodeId peer);

  // True while this node can send to `peer`.
  bool Connected(NodeId peer) const;
  // Why `peer` is not connected, for people; empty while it is.
  std::string LastError(NodeId peer) const;
  // host:port with the port that was bound.
  const std::string& ListenAddress() const;

  // Completes every call (kUnavailable or kOutcomeUnknown), closes all streams and waits until no
  // callback runs any more. Idempotent. Must not be called from a callback.
  void Stop();

  // Asks the node at `address`, whoever it is, to let this one into its cluster; its on_join
  // answers. Both prove the secret to each other, and their cluster ids must not differ; no more is
  // checked. One at a time: a question that has no answer yet is given up for the next. `done` as
  // in Call, and with kPermissionDenied when the two will not speak with each other until an
  // operator acts.
  void AskToJoin(const std::string& address, std::string request, MonotonicTime deadline,
                 UniqueFunction<void(Result<std::string>)> done);

  void Send(NodeId to, Channel channel, std::string payload) override;
  // After Stop, `done` runs on the caller's thread with kUnavailable.
  void Call(NodeId to, CallKind kind, std::string request, MonotonicTime deadline,
            UniqueFunction<void(Result<std::string>)> done) override;

 private:
  class Impl;
  explicit TcpTransport(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat
