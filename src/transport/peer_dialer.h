// This node's way to one peer: dials, keeps a link of one stream of each kind up, dials again with
// back-off.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "outbound_stream.h"
#include "transport_context.h"

namespace seshat {

// A link is all its streams: when one ends, all are ended and a new link is dialled.
// Threads: thread-safe.
class PeerDialer final : public OutboundStreamOwner,
                         public std::enable_shared_from_this<PeerDialer> {
 public:
  PeerDialer(std::shared_ptr<TransportContext> context, NodeId peer, std::string address);

  const std::string& address() const { return address_; }

  // Dials, unless a link is up or being dialled already, or this is closed. To be called once at
  // first, then whenever there is news that the peer is alive.
  void DialNow();
  // Ends the link and dials no more.
  void Close();

  bool Connected() const;
  std::string LastError() const;

  void Send(StreamKind kind, std::string bytes);
  void Call(StreamKind kind, std::string request, MonotonicTime deadline,
            OutboundStream::Done done);

  void OnStreamOpen(OutboundStream& stream) override;
  void OnStreamEnd(OutboundStream& stream, const Error& why) override;

 private:
  enum class State { kWaiting, kDialing, kUp, kClosed };
  using Streams = std::array<std::shared_ptr<OutboundStream>, kLinkStreams>;

  // Does nothing unless attempt number `attempt` is still the one that is waited for.
  void Dial(std::uint64_t attempt);
  void GiveUp(std::uint64_t attempt);
  bool OwnsStream(const OutboundStream& stream) const SESHAT_REQUIRES(mutex_);
  Duration NextBackoff(bool permanent) SESHAT_REQUIRES(mutex_);
  // Null when the link is not up.
  std::shared_ptr<OutboundStream> Open(StreamKind kind) const;

  const std::shared_ptr<TransportContext> context_;
  const NodeId peer_;
  const std::string address_;
  const std::array<StreamMetrics, kLinkStreams> metrics_;
  Gauge& connected_;

  mutable Mutex mutex_;
  State state_ SESHAT_GUARDED_BY(mutex_) = State::kWaiting;
  std::uint64_t attempt_ SESHAT_GUARDED_BY(mutex_) = 1;
  std::uint32_t failures_ SESHAT_GUARDED_BY(mutex_) = 0;  // since the link was last up
  std::string last_error_ SESHAT_GUARDED_BY(mutex_) = "not dialled yet";
  Streams streams_ SESHAT_GUARDED_BY(mutex_);
  std::size_t streams_open_ SESHAT_GUARDED_BY(mutex_) = 0;
};

}  // namespace seshat
