// One stream that a peer opened: the acceptor's half of the handshake, then what arrives, handed to
// the PeerHandler, and, on a stream that carries calls, the replies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "framing.h"
#include "peer_connection.h"
#include "seshat/v1/peer.pb.h"
#include "transport_context.h"

namespace seshat {

class InboundStream;

// Who keeps the accepted streams. Called on transport threads, under no lock.
// Threads: thread-safe.
class InboundStreamOwner {
 public:
  virtual ~InboundStreamOwner() = default;
  // The peer has proven itself; whatever it had open of this kind is to be closed.
  virtual void OnStreamAdmitted(const std::shared_ptr<InboundStream>& stream) = 0;
  // The stream has ended, admitted or not. Called once.
  virtual void OnStreamEnd(InboundStream& stream) = 0;
};

// Keeps itself alive from Start until its connection is done; replies that are still owed keep it
// longer. Threads: thread-safe.
class InboundStream final : public PeerConnectionHandler,
                            public std::enable_shared_from_this<InboundStream> {
 public:
  // Lifetime: `owner` must live until OnStreamEnd.
  InboundStream(std::shared_ptr<TransportContext> context, InboundStreamOwner& owner);

  // Awaits the Hello. Called once, on the transport's thread.
  void Start(asio::ip::tcp::socket socket);
  // Ends the stream soon; nothing of it is handed on any more.
  void Close();

  // After OnStreamAdmitted:
  NodeId peer() const { return peer_; }
  StreamKind kind() const { return kind_; }

  // Answers a call; nothing in `reply` tells the peer that there will be no answer.
  void Reply(std::uint64_t call_id, std::optional<std::string> reply);

  bool OnMessage(v1::PeerMessage& message) override;
  void OnReadEnd(const Error& why) override;
  void OnWriteDone(bool ok) override;
  void OnIdle() override;
  void OnDone() override;

 private:
  enum class Phase { kAwaitHello, kAwaitProof, kOpen };
  // What must be started on the stream once the lock is released.
  struct Next {
    bool resume = false;
    bool write = false;
    bool finish = false;
  };

  Status HandleMessage(v1::PeerMessage& message);
  Status HandleHello(const v1::Hello& hello);
  Status HandleProof(const v1::Proof& proof);
  Status HandleFrames(v1::FrameBatch& batch);
  void Deliver(Payload payload);
  void DeliverCall(CallKind kind, Payload payload);
  void Refuse(const Error& why);
  void WriteHandshake(v1::PeerMessage message);
  void EndReading();
  bool IsOpen();

  // Decides what the stream does next, and claims it: the writer when idle and something waits;
  // the reader when it was paused and may go on; the end when both have come to theirs.
  Next Advance() SESHAT_REQUIRES(mutex_);
  bool PrepareWrite() SESHAT_REQUIRES(mutex_);
  bool MayRead() const SESHAT_REQUIRES(mutex_);
  // Does it, and what comes next after a write that ended at once.
  void Begin(Next next);
  Next FinishWrite(bool ok);

  const std::shared_ptr<TransportContext> context_;
  InboundStreamOwner& owner_;

  // Owned by the transport's thread. The first two are immutable once admitted.
  NodeId peer_;
  StreamKind kind_ = StreamKind::kControl;
  Phase phase_ = Phase::kAwaitHello;
  LocalEnd local_;
  v1::Hello hello_;
  v1::Challenge challenge_;
  FrameAssembler assembler_;

  // Owned by whoever claimed the writer.
  v1::PeerMessage write_message_;

  const std::shared_ptr<PeerConnection> connection_;

  Mutex mutex_;
  std::shared_ptr<InboundStream> self_ SESHAT_GUARDED_BY(mutex_);
  bool open_ SESHAT_GUARDED_BY(mutex_) = false;
  bool closed_ SESHAT_GUARDED_BY(mutex_) = false;
  bool writing_ SESHAT_GUARDED_BY(mutex_) = false;
  bool read_paused_ SESHAT_GUARDED_BY(mutex_) = false;
  bool reading_ended_ SESHAT_GUARDED_BY(mutex_) = false;
  bool finished_ SESHAT_GUARDED_BY(mutex_) = false;
  std::optional<v1::PeerMessage> handshake_message_ SESHAT_GUARDED_BY(mutex_);
  SendQueue replies_ SESHAT_GUARDED_BY(mutex_);  // bounded once it is known what the stream carries
  std::size_t calls_unanswered_ SESHAT_GUARDED_BY(mutex_) = 0;
};

}  // namespace seshat
