#include "inbound_stream.h"

#include <fmt/format.h>

#include <utility>

#include "hmac.h"

namespace seshat {
namespace {

// The one answer to a call: given once, or given up when dropped.
// Threads: owned by its holder.
class ReplyOnce {
 public:
  ReplyOnce(std::shared_ptr<InboundStream> stream, std::uint64_t call_id)
      : stream_(std::move(stream)), call_id_(call_id) {}
  ReplyOnce(ReplyOnce&&) = default;
  ReplyOnce& operator=(ReplyOnce&&) = delete;
  ~ReplyOnce() {
    if (stream_) stream_->Reply(call_id_, std::nullopt);
  }

  void operator()(std::string reply) {
    if (const auto stream = std::exchange(stream_, nullptr)) {
      stream->Reply(call_id_, std::move(reply));
    }
  }

 private:
  std::shared_ptr<InboundStream> stream_;
  std::uint64_t call_id_;
};

}  // namespace

InboundStream::InboundStream(std::shared_ptr<TransportContext> context, InboundStreamOwner& owner)
    : context_(std::move(context)),
      owner_(owner),
      local_(context_->Local()),
      assembler_(context_->options.payload_bytes_max),
      connection_(std::make_shared<PeerConnection>(context_->io.context(), context_->options,
                                                   context_->clock, *this)),
      replies_(0) {}

void InboundStream::Start(asio::ip::tcp::socket socket) {
  {
    MutexLock lock(mutex_);
    self_ = shared_from_this();
  }
  context_->timers.At(context_->clock.Now() + context_->options.handshake_timeout,
                      [weak = weak_from_this()] {
                        const auto stream = weak.lock();
                        if (stream && !stream->IsOpen()) stream->Close();
                      });
  connection_->Adopt(std::move(socket));
}

void InboundStream::Close() {
  {
    MutexLock lock(mutex_);
    open_ = false;
    closed_ = true;
  }
  connection_->Cancel(Error(ErrorCode::kUnavailable, "closed by this node"));
}

bool InboundStream::IsOpen() {
  MutexLock lock(mutex_);
  return open_;
}

bool InboundStream::MayRead() const {
  // A peer that asks faster than we answer, or does not fetch its answers, waits.
  return calls_unanswered_ < context_->options.calls_in_flight_max &&
         replies_.bytes() <= replies_.bytes_max() / 2;
}

bool InboundStream::PrepareWrite() {
  if (handshake_message_) {
    write_message_ = *std::exchange(handshake_message_, std::nullopt);
    return true;
  }
  if (!open_ || reading_ended_) return false;
  // A fresh message: a reused one would keep the largest payload that each of its frames ever held.
  write_message_ = v1::PeerMessage();
  return replies_.NextBatch(context_->options.frame_bytes_max, *write_message_.mutable_frames());
}

InboundStream::Next InboundStream::Advance() {
  Next next;
  if (finished_) return next;
  if (!writing_) next.write = writing_ = PrepareWrite();
  if (read_paused_ && MayRead()) {
    read_paused_ = false;
    next.resume = true;
  }
  // No operation may begin after Finish, hence only when neither side can begin one.
  if (reading_ended_ && !writing_) next.finish = finished_ = true;
  return next;
}

void InboundStream::Begin(Next next) {
  for (;;) {
    if (next.resume) connection_->ResumeReading();
    if (next.finish) connection_->Finish();
    if (!next.write || !connection_->Write(write_message_)) return;
    next = FinishWrite(true);
  }
}

InboundStream::Next InboundStream::FinishWrite(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (!ok) {
    open_ = false;
    handshake_message_.reset();
  }
  return Advance();
}

void InboundStream::OnWriteDone(bool ok) {
  Begin(FinishWrite(ok));
  if (!ok) Close();  // for a reader that is paused
}

void InboundStream::OnIdle() {
  Next next;
  {
    MutexLock lock(mutex_);
    if (writing_ || finished_) return;
    next.write = writing_ = true;
    write_message_ = v1::PeerMessage();
  }
  Begin(next);
}

bool InboundStream::OnMessage(v1::PeerMessage& message) {
  const Status handled = HandleMessage(message);
  if (!handled) {
    Refuse(handled.error());
    EndReading();
    return false;
  }
  MutexLock lock(mutex_);
  read_paused_ = !MayRead();
  return !read_paused_;
}

void InboundStream::OnReadEnd(const Error& why) {
  if (why.code() == ErrorCode::kCorruption) {
    Refuse(why);
  } else {
    connection_->Cancel(why);  // ends a write under way too
  }
  EndReading();
}

void InboundStream::EndReading() {
  Next next;
  {
    MutexLock lock(mutex_);
    open_ = false;
    reading_ended_ = true;
    read_paused_ = false;
    next = Advance();
  }
  Begin(next);
}

void InboundStream::OnDone() {
  std::shared_ptr<InboundStream> self;
  {
    MutexLock lock(mutex_);
    open_ = false;
    self = std::move(self_);
  }
  owner_.OnStreamEnd(*this);
}

Status InboundStream::HandleMessage(v1::PeerMessage& message) {
  if (phase_ == Phase::kAwaitHello && message.has_hello()) {
    return HandleHello(message.hello());
  }
  if (phase_ == Phase::kAwaitProof && message.has_proof()) {
    return HandleProof(message.proof());
  }
  if (phase_ == Phase::kOpen && message.has_frames()) {
    return HandleFrames(*message.mutable_frames());
  }
  return MakeError(ErrorCode::kCorruption, "a message out of turn");
}

Status InboundStream::HandleHello(const v1::Hello& hello) {
  hello_ = hello;
  if (Status checked = CheckHello(local_, hello_); !checked) return checked;
  FillChallenge(local_, hello_, UnpredictableBytes(kNonceBytes), challenge_);
  phase_ = Phase::kAwaitProof;
  v1::PeerMessage message;
  *message.mutable_challenge() = challenge_;
  WriteHandshake(std::move(message));
  return {};
}

Status InboundStream::HandleProof(const v1::Proof& proof) {
  if (Status checked = CheckProof(local_, hello_, challenge_, proof); !checked) return checked;
  const StreamKind kind = *StreamKindOf(hello_.channel());
  if (kind != StreamKind::kJoin) {
    if (Status admitted = context_->policy.Admit(DescribePeer(hello_)); !admitted) return admitted;
  } else if (!context_->options.on_join) {
    return MakeError(ErrorCode::kPermissionDenied, "nobody can join at this node");
  }
  peer_ = NodeId(hello_.node_id());
  kind_ = kind;
  phase_ = Phase::kOpen;
  {
    MutexLock lock(mutex_);
    if (closed_) return {};
    open_ = true;
    replies_ = SendQueue(QueueBytesMax(context_->options, kind_));
  }
  owner_.OnStreamAdmitted(shared_from_this());
  v1::PeerMessage message;
  message.mutable_welcome();
  WriteHandshake(std::move(message));
  return {};
}

void InboundStream::WriteHandshake(v1::PeerMessage message) {
  Next next;
  {
    MutexLock lock(mutex_);
    handshake_message_ = std::move(message);
    next = Advance();
  }
  Begin(next);
}

void InboundStream::Refuse(const Error& why) {
  const bool malformed = why.code() == ErrorCode::kCorruption;
  (malformed ? context_->protocol_errors : context_->handshakes_refused).Increment();
  context_->Report(LinkEvent::Kind::kRefusedInbound, NodeId(hello_.node_id()), why.message());
  MutexLock lock(mutex_);
  open_ = false;
  v1::PeerMessage message;
  FillRefusal(why, *message.mutable_refusal());
  handshake_message_ = std::move(message);
}

Status InboundStream::HandleFrames(v1::FrameBatch& batch) {
  for (v1::Frame& frame : *batch.mutable_frames()) {
    if (frame.broken() || (frame.call_id() != 0) != CarriesCalls(kind_)) {
      return MakeError(ErrorCode::kCorruption, "a frame that does not belong on its channel");
    }
    Result<std::optional<Payload>> payload = assembler_.Add(frame);
    if (!payload) return std::unexpected(std::move(payload).error());
    if (payload->has_value()) Deliver(std::move(**payload));
  }
  return {};
}

void InboundStream::Deliver(Payload payload) {
  {
    MutexLock lock(mutex_);
    if (!open_) return;
    if (CarriesCalls(kind_)) ++calls_unanswered_;
  }
  switch (kind_) {
    case StreamKind::kControl:
      return context_->handler.OnMessage(peer_, Channel::kControl, std::move(payload.bytes));
    case StreamKind::kAppend:
      return context_->handler.OnMessage(peer_, Channel::kAppend, std::move(payload.bytes));
    case StreamKind::kForward:
      return DeliverCall(CallKind::kForward, std::move(payload));
    case StreamKind::kSnapshot:
      return DeliverCall(CallKind::kSnapshot, std::move(payload));
    case StreamKind::kJoin:
      return context_->options.on_join(DescribePeer(hello_), std::move(payload.bytes),
                                       ReplyOnce(shared_from_this(), payload.call_id));
  }
}

void InboundStream::DeliverCall(CallKind kind, Payload payload) {
  context_->handler.OnCall(peer_, kind, std::move(payload.bytes),
                           ReplyOnce(shared_from_this(), payload.call_id));
}

void InboundStream::Reply(std::uint64_t call_id, std::optional<std::string> reply) {
  Next next;
  {
    MutexLock lock(mutex_);
    --calls_unanswered_;
    if (!open_) return;
    const bool queued = reply && reply->size() <= context_->options.payload_bytes_max &&
                        replies_.Push({.bytes = std::move(*reply), .call_id = call_id});
    if (!queued) replies_.PushAlways({.bytes = {}, .call_id = call_id, .broken = true});
    next = Advance();
  }
  Begin(next);
}

}  // namespace seshat
