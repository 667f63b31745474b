// One stream that a peer opened: the acceptor's half of the handshake, then what arrives, handed to
// the PeerHandler, and, on the forward stream, the replies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "exchange_calls.h"
#include "framing.h"
#include "transport_context.h"

namespace seshat {

class InboundStream;

// Who keeps the accepted streams. Called on transport threads, under no lock.
// Threads: thread-safe.
class InboundStreamOwner {
 public:
  virtual ~InboundStreamOwner() = default;
  // A peer has opened it: to be started or rejected.
  virtual void OnStreamArrived(const std::shared_ptr<InboundStream>& stream) = 0;
  // The peer has proven itself; whatever it had open of this kind is to be closed.
  virtual void OnStreamAdmitted(const std::shared_ptr<InboundStream>& stream) = 0;
  // The stream has ended, admitted, arrived or neither. Called once.
  virtual void OnStreamEnd(InboundStream& stream) = 0;
};

// Keeps itself alive until the call is done; replies that are still owed keep it longer.
// Threads: thread-safe.
class InboundStream final : public AcceptedCallHandler,
                            public std::enable_shared_from_this<InboundStream> {
 public:
  // Lifetime: `owner` must live until OnStreamEnd.
  InboundStream(std::shared_ptr<TransportContext> context, InboundStreamOwner& owner);

  // Waits for a peer to open the stream. Called once.
  void Listen(v1::Peer::AsyncService& service);
  // Awaits the Hello. Called once.
  void Start();
  // Refuses the stream unheard. Called once, instead of Start.
  void Reject(const std::string& why);
  // Ends the stream soon; nothing of it is handed on any more.
  void Close();

  // After OnStreamAdmitted:
  NodeId peer() const { return peer_; }
  StreamKind kind() const { return kind_; }

  // Answers a call; nothing in `reply` tells the peer that there will be no answer.
  void Reply(std::uint64_t call_id, std::optional<std::string> reply);

  void OnArrived(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Phase { kAwaitHello, kAwaitProof, kOpen };
  // What must be started on the stream once the lock is released.
  struct Next {
    bool read = false;
    bool write = false;
    bool finish = false;
  };

  Status HandleMessage();
  Status HandleHello(const v1::Hello& hello);
  Status HandleProof(const v1::Proof& proof);
  Status HandleFrames(v1::FrameBatch& batch);
  void Deliver(Payload payload);
  void Refuse(const Error& why);
  void WriteHandshake(v1::PeerMessage message);
  bool IsOpen();

  // Decides what the stream does next, and claims it: the writer when idle and something waits;
  // the reader when it was paused and may go on; the end when both have come to theirs.
  Next Advance() SESHAT_REQUIRES(mutex_);
  bool PrepareWrite() SESHAT_REQUIRES(mutex_);
  bool MayRead() const SESHAT_REQUIRES(mutex_);
  void Begin(Next next);

  const std::shared_ptr<TransportContext> context_;
  InboundStreamOwner& owner_;

  // Owned by the completion thread. The first two are immutable once admitted.
  NodeId peer_;
  StreamKind kind_ = StreamKind::kControl;
  Phase phase_ = Phase::kAwaitHello;
  LocalEnd local_;
  v1::Hello hello_;
  v1::Challenge challenge_;
  v1::PeerMessage read_message_;
  FrameAssembler assembler_;

  // Owned by whoever claimed the writer.
  v1::PeerMessage write_message_;

  // Whoever claimed an operation on it may use it unlocked; null once it is done.
  std::unique_ptr<AcceptedCall> call_;

  Mutex mutex_;
  std::shared_ptr<InboundStream> self_ SESHAT_GUARDED_BY(mutex_);
  grpc::Status final_status_ SESHAT_GUARDED_BY(mutex_);
  bool open_ SESHAT_GUARDED_BY(mutex_) = false;
  bool closed_ SESHAT_GUARDED_BY(mutex_) = false;
  bool writing_ SESHAT_GUARDED_BY(mutex_) = false;
  bool read_paused_ SESHAT_GUARDED_BY(mutex_) = false;
  bool reading_ended_ SESHAT_GUARDED_BY(mutex_) = false;
  bool finished_ SESHAT_GUARDED_BY(mutex_) = false;
  std::optional<v1::PeerMessage> handshake_message_ SESHAT_GUARDED_BY(mutex_);
  SendQueue replies_ SESHAT_GUARDED_BY(mutex_);
  std::size_t calls_unanswered_ SESHAT_GUARDED_BY(mutex_) = 0;
};

}  // namespace seshat
