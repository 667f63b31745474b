#include "outbound_stream.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "hmac.h"

namespace seshat {

OutboundStream::OutboundStream(std::shared_ptr<TransportContext> context,
                               std::shared_ptr<OutboundStreamOwner> owner, NodeId peer,
                               StreamKind kind, StreamMetrics metrics)
    : context_(std::move(context)),
      owner_(std::move(owner)),
      peer_(peer),
      kind_(kind),
      metrics_(metrics),
      connection_(std::make_shared<PeerConnection>(context_->io.context(), context_->options,
                                                   context_->clock, *this)),
      local_(context_->Local()),
      assembler_(context_->options.payload_bytes_max),
      queue_(QueueBytesMax(context_->options, kind)) {
  FillHello(local_, peer_, UnpredictableBytes(kNonceBytes), hello_);
  hello_.set_channel(WireChannel(kind_));
}

void OutboundStream::Start(const std::string& address) {
  {
    MutexLock lock(mutex_);
    self_ = shared_from_this();
  }
  connection_->Dial(address);
}

void OutboundStream::OnConnected() {
  v1::PeerMessage message;
  *message.mutable_hello() = hello_;
  WriteHandshake(std::move(message));
}

void OutboundStream::Cancel(Error why) {
  {
    MutexLock lock(mutex_);
    open_ = false;
    if (!why_ended_) why_ended_ = why;
  }
  connection_->Cancel(std::move(why));
}

void OutboundStream::Send(std::string bytes) {
  const std::size_t size = bytes.size();
  bool queued = false;
  bool write = false;
  {
    MutexLock lock(mutex_);
    queued = open_ && size <= context_->options.payload_bytes_max &&
             queue_.Push({.bytes = std::move(bytes)});
    write = queued && ClaimWriter();
  }
  if (write) Write();
  if (queued) return;
  metrics_.messages_dropped.Increment();
  metrics_.bytes_dropped.Increment(static_cast<double>(size));
}

Status OutboundStream::Call(std::string& request, MonotonicTime deadline, Done& done) {
  const TransportOptions& options = context_->options;
  if (request.size() > options.payload_bytes_max) {
    return MakeError(ErrorCode::kResourceExhausted,
                     fmt::format("a request over {} bytes", options.payload_bytes_max));
  }
  bool write = false;
  {
    MutexLock lock(mutex_);
    if (!open_) {
      return MakeError(ErrorCode::kUnavailable,
                       fmt::format("node {} is not connected", peer_.value()));
    }
    if (calls_.size() >= options.calls_in_flight_max) {
      return MakeError(
          ErrorCode::kResourceExhausted,
          fmt::format("{} requests to node {} are in flight", calls_.size(), peer_.value()));
    }
    const std::uint64_t call_id = next_call_id_;
    if (!queue_.Push({.bytes = std::move(request), .call_id = call_id})) {
      return MakeError(
          ErrorCode::kResourceExhausted,
          fmt::format("{} bytes are waiting for node {}", queue_.bytes(), peer_.value()));
    }
    ++next_call_id_;
    PendingCall call{.done = std::move(done), .timer = std::nullopt};
    if (deadline != kNever) {
      call.timer = context_->timers.At(deadline, [weak = weak_from_this(), call_id] {
        if (const auto stream = weak.lock()) stream->ExpireCall(call_id);
      });
    }
    calls_.emplace(call_id, std::move(call));
    write = ClaimWriter();
  }
  if (write) Write();
  return {};
}

bool OutboundStream::ClaimWriter() {
  metrics_.queue_bytes.Set(static_cast<double>(queue_.bytes()));
  if (writing_) return false;
  writing_ = PrepareWrite();
  return writing_;
}

bool OutboundStream::PrepareWrite() {
  if (reading_ended_) return false;
  if (handshake_message_) {
    write_message_ = *std::exchange(handshake_message_, std::nullopt);
    return true;
  }
  if (!open_) return false;
  const std::size_t before = queue_.bytes();
  // A fresh message: a reused one would keep the largest payload that each of its frames ever held.
  write_message_ = v1::PeerMessage();
  const bool any =
      queue_.NextBatch(context_->options.frame_bytes_max, *write_message_.mutable_frames());
  metrics_.bytes_sent.Increment(static_cast<double>(before - queue_.bytes()));
  metrics_.queue_bytes.Set(static_cast<double>(queue_.bytes()));
  return any;
}

void OutboundStream::Write() {
  while (connection_->Write(write_message_)) {
    if (!FinishWrite(true)) return;
  }
}

void OutboundStream::OnWriteDone(bool ok) {
  if (FinishWrite(ok)) Write();
}

bool OutboundStream::FinishWrite(bool ok) {
  bool finish = false;
  {
    MutexLock lock(mutex_);
    writing_ = ok && PrepareWrite();
    if (writing_) return true;
    finish = reading_ended_;
  }
  if (finish) connection_->Finish();
  return false;
}

void OutboundStream::OnIdle() {
  {
    MutexLock lock(mutex_);
    if (writing_ || reading_ended_) return;
    writing_ = true;
    write_message_ = v1::PeerMessage();
  }
  Write();
}

bool OutboundStream::OnMessage(v1::PeerMessage& message) {
  const Status handled = HandleMessage(message);
  if (!handled) OnReadEnd(handled.error());
  return handled.has_value();
}

void OutboundStream::OnReadEnd(const Error& why) {
  bool finish = false;
  {
    MutexLock lock(mutex_);
    open_ = false;
    if (std::exchange(reading_ended_, true)) return;
    if (!why_ended_) why_ended_ = why;
    finish = !writing_;
  }
  if (why.code() == ErrorCode::kCorruption) context_->protocol_errors.Increment();
  // Payloads are written from any thread: a write under way is broken off, and then finishes.
  connection_->Cancel(why);
  if (finish) connection_->Finish();
}

Status OutboundStream::HandleMessage(v1::PeerMessage& message) {
  if (message.has_refusal()) {
    return std::unexpected(ErrorOf(message.refusal()));
  }
  if (phase_ == Phase::kAwaitChallenge && message.has_challenge()) {
    return HandleChallenge(message.challenge());
  }
  if (phase_ == Phase::kAwaitWelcome && message.has_welcome()) {
    phase_ = Phase::kOpen;
    {
      MutexLock lock(mutex_);
      if (why_ended_) return std::unexpected(*why_ended_);
      open_ = true;
    }
    owner_->OnStreamOpen(*this);
    return {};
  }
  if (phase_ == Phase::kOpen && message.has_frames() && CarriesCalls(kind_)) {
    return HandleFrames(*message.mutable_frames());
  }
  return MakeError(ErrorCode::kCorruption, "a message out of turn");
}

Status OutboundStream::HandleChallenge(const v1::Challenge& challenge) {
  if (Status checked = CheckChallenge(local_, hello_, challenge); !checked) return checked;
  // Whoever is asked to let this node in is a stranger still.
  if (kind_ != StreamKind::kJoin) {
    if (Status admitted = context_->policy.Admit(DescribePeer(challenge)); !admitted) {
      return admitted;
    }
  }
  phase_ = Phase::kAwaitWelcome;
  v1::PeerMessage message;
  FillProof(local_, hello_, challenge, *message.mutable_proof());
  WriteHandshake(std::move(message));
  return {};
}

void OutboundStream::WriteHandshake(v1::PeerMessage message) {
  bool write = false;
  {
    MutexLock lock(mutex_);
    handshake_message_ = std::move(message);
    write = ClaimWriter();
  }
  if (write) Write();
}

Status OutboundStream::HandleFrames(v1::FrameBatch& batch) {
  for (v1::Frame& frame : *batch.mutable_frames()) {
    Result<std::optional<Payload>> reply = assembler_.Add(frame);
    if (!reply) return std::unexpected(std::move(reply).error());
    if (reply->has_value()) FinishCall(std::move(**reply));
  }
  return {};
}

void OutboundStream::FinishCall(Payload reply) {
  PendingCall call;
  {
    MutexLock lock(mutex_);
    const auto place = calls_.find(reply.call_id);
    if (place == calls_.end()) return;  // it expired meanwhile
    call = std::move(place->second);
    calls_.erase(place);
  }
  if (call.timer) context_->timers.Cancel(*call.timer);
  if (reply.broken) {
    call.done(MakeError(ErrorCode::kOutcomeUnknown,
                        fmt::format("node {} gave up the request", peer_.value())));
  } else {
    call.done(std::move(reply.bytes));
  }
}

void OutboundStream::ExpireCall(std::uint64_t call_id) {
  Done done;
  bool never_left = false;
  {
    MutexLock lock(mutex_);
    const auto place = calls_.find(call_id);
    if (place == calls_.end()) return;
    done = std::move(place->second.done);
    calls_.erase(place);
    never_left = queue_.Cancel(call_id);
  }
  if (never_left) {
    done(MakeError(
        ErrorCode::kUnavailable,
        fmt::format("the deadline passed before the request left for node {}", peer_.value())));
  } else {
    done(MakeError(
        ErrorCode::kOutcomeUnknown,
        fmt::format("the deadline passed without an answer from node {}", peer_.value())));
  }
}

void OutboundStream::OnDone() {
  struct EndedCall {
    PendingCall call;
    bool never_left = false;
  };
  const std::shared_ptr<TransportContext> context = context_;
  std::shared_ptr<OutboundStream> self;
  std::vector<EndedCall> ended;
  Error why(ErrorCode::kUnavailable, "");
  {
    MutexLock lock(mutex_);
    self = std::move(self_);
    open_ = false;
    why = *why_ended_;
    for (auto& [call_id, call] : calls_) {
      // Even one piece still here means that the peer never saw the whole request.
      ended.push_back({.call = std::move(call), .never_left = queue_.Contains(call_id)});
    }
    calls_.clear();
  }
  metrics_.queue_bytes.Set(0);
  owner_->OnStreamEnd(*this, why);
  for (EndedCall& each : ended) {
    if (each.call.timer) context->timers.Cancel(*each.call.timer);
    each.call.done(
        MakeError(each.never_left ? ErrorCode::kUnavailable : ErrorCode::kOutcomeUnknown,
                  fmt::format("the stream to node {} broke: {}", peer_.value(), why.message())));
  }
  ended.clear();
  self.reset();
  context->dialed_streams.Remove();
}

}  // namespace seshat
