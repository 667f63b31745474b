#include "peer_dialer.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace seshat {

PeerDialer::PeerDialer(std::shared_ptr<TransportContext> context, NodeId peer, std::string address)
    : context_(std::move(context)),
      peer_(peer),
      address_(std::move(address)),
      metrics_{StreamMetrics(*context_, peer, StreamKind::kControl),
               StreamMetrics(*context_, peer, StreamKind::kAppend),
               StreamMetrics(*context_, peer, StreamKind::kForward),
               StreamMetrics(*context_, peer, StreamKind::kSnapshot)},
      connected_(context_->metrics.GetGauge(
          "transport_peer_connected", "1 while this node can send to the peer",
          {{"node_id", fmt::to_string(context_->options.node_id.value())},
           {"peer", fmt::to_string(peer.value())}})) {
  connected_.Set(0);
}

void PeerDialer::DialNow() {
  std::uint64_t attempt = 0;
  {
    MutexLock lock(mutex_);
    attempt = attempt_;
  }
  Dial(attempt);
}

void PeerDialer::Dial(std::uint64_t attempt) {
  {
    MutexLock lock(mutex_);
    if (state_ != State::kWaiting || attempt_ != attempt) return;
    state_ = State::kDialing;
  }
  Streams streams;
  for (std::size_t i = 0; i < kLinkStreams; ++i) {
    streams[i] = std::make_shared<OutboundStream>(context_, shared_from_this(), peer_,
                                                  static_cast<StreamKind>(i), metrics_[i]);
  }
  {
    MutexLock lock(mutex_);
    if (state_ != State::kDialing) return;
    streams_ = streams;
    streams_open_ = 0;
    // Counted before anybody can wait for them to end.
    for (std::size_t i = 0; i < kLinkStreams; ++i) context_->dialed_streams.Add();
  }
  for (const auto& stream : streams) stream->Start(address_);
  context_->timers.At(context_->clock.Now() + context_->options.handshake_timeout,
                      [weak = weak_from_this(), attempt] {
                        if (const auto dialer = weak.lock()) dialer->GiveUp(attempt);
                      });
}

void PeerDialer::GiveUp(std::uint64_t attempt) {
  std::shared_ptr<OutboundStream> any;
  {
    MutexLock lock(mutex_);
    if (state_ != State::kDialing || attempt_ != attempt) return;
    any = streams_[0];
  }
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(context_->options.handshake_timeout);
  any->Cancel(Error(ErrorCode::kUnavailable, fmt::format("no handshake within {}", waited)));
}

void PeerDialer::Close() {
  Streams streams;
  {
    MutexLock lock(mutex_);
    state_ = State::kClosed;
    last_error_ = "closed by this node";
    streams.swap(streams_);
  }
  connected_.Set(0);
  for (const auto& stream : streams) {
    if (stream) stream->Cancel(Error(ErrorCode::kUnavailable, "closed by this node"));
  }
}

bool PeerDialer::Connected() const {
  MutexLock lock(mutex_);
  return state_ == State::kUp;
}

std::string PeerDialer::LastError() const {
  MutexLock lock(mutex_);
  return state_ == State::kUp ? std::string() : last_error_;
}

std::shared_ptr<OutboundStream> PeerDialer::Open(StreamKind kind) const {
  MutexLock lock(mutex_);
  return state_ == State::kUp ? streams_[IndexOf(kind)] : nullptr;
}

void PeerDialer::Send(StreamKind kind, std::string bytes) {
  if (const auto stream = Open(kind)) return stream->Send(std::move(bytes));
  metrics_[IndexOf(kind)].messages_dropped.Increment();
  metrics_[IndexOf(kind)].bytes_dropped.Increment(static_cast<double>(bytes.size()));
}

void PeerDialer::Call(StreamKind kind, std::string request, MonotonicTime deadline,
                      OutboundStream::Done done) {
  const auto stream = Open(kind);
  Status queued =
      stream ? stream->Call(request, deadline, done)
             : Status(MakeError(ErrorCode::kUnavailable, fmt::format("node {} is not connected: {}",
                                                                     peer_.value(), LastError())));
  if (queued) return;
  // The promise is a transport thread: a caller may hold its own locks here.
  context_->timers.Post([refused = std::move(done), why = std::move(queued).error()]() mutable {
    refused(std::unexpected(std::move(why)));
  });
}

bool PeerDialer::OwnsStream(const OutboundStream& stream) const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [&](const auto& own) { return own.get() == &stream; });
}

void PeerDialer::OnStreamOpen(OutboundStream& stream) {
  {
    MutexLock lock(mutex_);
    if (!OwnsStream(stream)) return;
    if (++streams_open_ < kLinkStreams) return;
    state_ = State::kUp;
    failures_ = 0;
    connected_.Set(1);
  }
  context_->Report(LinkEvent::Kind::kConnected, peer_, address_);
}

void PeerDialer::OnStreamEnd(OutboundStream& stream, const Error& why) {
  Streams ended;
  bool was_up = false;
  {
    MutexLock lock(mutex_);
    if (!OwnsStream(stream)) return;  // of a link that is already given up
    ended.swap(streams_);
    was_up = state_ == State::kUp;
    state_ = State::kWaiting;
    last_error_ = fmt::format("{}: {}", address_, why.message());
    connected_.Set(0);
    const std::uint64_t attempt = ++attempt_;
    const Duration backoff = NextBackoff(why.code() == ErrorCode::kPermissionDenied);
    context_->timers.At(context_->clock.Now() + backoff, [weak = weak_from_this(), attempt] {
      if (const auto dialer = weak.lock()) dialer->Dial(attempt);
    });
  }
  for (const auto& other : ended) other->Cancel(why);
  context_->Report(was_up ? LinkEvent::Kind::kDisconnected : LinkEvent::Kind::kDialFailed, peer_,
                   fmt::format("{}: {}", address_, why.message()));
}

Duration PeerDialer::NextBackoff(bool permanent) {
  const TransportOptions& options = context_->options;
  Duration span = options.backoff_max;
  constexpr std::uint32_t kDoublingsMax = 20;
  if (!permanent && failures_ < kDoublingsMax) {
    span = std::min(span, options.backoff_min * (std::int64_t{1} << failures_));
  }
  ++failures_;
  // Between half and all of it, so that nodes which lost the same peer do not return in step.
  const auto half = static_cast<std::uint64_t>(span.count()) / 2;
  return Duration(static_cast<std::int64_t>(half + context_->rng.Next() % (half + 1)));
}

}  // namespace seshat
