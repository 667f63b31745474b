// One stream that this node opened: the dialer's half of the handshake, then what it sends and, on
// a stream that carries calls, the replies.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "framing.h"
#include "peer_connection.h"
#include "seshat/v1/peer.pb.h"
#include "transport_context.h"

namespace seshat {

class OutboundStream;

// Whoever opened the stream. Called on transport threads, under no lock.
// Threads: thread-safe.
class OutboundStreamOwner {
 public:
  virtual ~OutboundStreamOwner() = default;
  // The peer has said Welcome: the stream takes payloads.
  virtual void OnStreamOpen(OutboundStream& stream) = 0;
  // The stream has ended, open or not. Called once; nothing follows but the ends of its calls.
  virtual void OnStreamEnd(OutboundStream& stream, const Error& why) = 0;
};

// Keeps itself alive from Start until its connection is done.
// Threads: thread-safe.
class OutboundStream final : public PeerConnectionHandler,
                             public std::enable_shared_from_this<OutboundStream> {
 public:
  using Done = UniqueFunction<void(Result<std::string>)>;

  OutboundStream(std::shared_ptr<TransportContext> context,
                 std::shared_ptr<OutboundStreamOwner> owner, NodeId peer, StreamKind kind,
                 StreamMetrics metrics);

  // Dials and begins the handshake. Called once.
  // Pre: the stream is counted in context->dialed_streams; its end takes it off.
  void Start(const std::string& address);
  // Ends the stream soon; `why` is what its owner and its calls are told.
  void Cancel(Error why);

  // Drops, and counts, what cannot be queued.
  void Send(std::string bytes);
  // Pre: the stream carries calls. As Transport::Call, but that a refusal comes back at once, with
  // `done` untouched.
  Status Call(std::string& request, MonotonicTime deadline, Done& done);

  void OnConnected() override;
  bool OnMessage(v1::PeerMessage& message) override;
  void OnReadEnd(const Error& why) override;
  void OnWriteDone(bool ok) override;
  void OnIdle() override;
  void OnDone() override;

 private:
  enum class Phase { kAwaitChallenge, kAwaitWelcome, kOpen };
  struct PendingCall {
    Done done;
    std::optional<TimerQueue::Id> timer;
  };

  Status HandleMessage(v1::PeerMessage& message);
  Status HandleChallenge(const v1::Challenge& challenge);
  Status HandleFrames(v1::FrameBatch& batch);
  void FinishCall(Payload reply);
  void ExpireCall(std::uint64_t call_id);
  void WriteHandshake(v1::PeerMessage message);
  // Puts what is next into write_message_. False when there is nothing.
  bool PrepareWrite() SESHAT_REQUIRES(mutex_);
  // Claims the writer. True when the caller must Write, after unlocking.
  bool ClaimWriter() SESHAT_REQUIRES(mutex_);
  // Writes write_message_ and what is next, until nothing is or the kernel takes no more.
  // Pre: this thread has claimed the writer.
  void Write();
  // What the end of a write means. True: the writer stays claimed, for the next message.
  bool FinishWrite(bool ok);

  const std::shared_ptr<TransportContext> context_;
  const std::shared_ptr<OutboundStreamOwner> owner_;
  const NodeId peer_;
  const StreamKind kind_;
  const StreamMetrics metrics_;
  const std::shared_ptr<PeerConnection> connection_;

  // Owned by the transport's thread.
  Phase phase_ = Phase::kAwaitChallenge;
  LocalEnd local_;
  v1::Hello hello_;
  FrameAssembler assembler_;

  // Owned by whoever claimed the writer.
  v1::PeerMessage write_message_;

  Mutex mutex_;
  std::shared_ptr<OutboundStream> self_ SESHAT_GUARDED_BY(mutex_);
  std::optional<Error> why_ended_ SESHAT_GUARDED_BY(mutex_);  // set before the stream ends
  bool open_ SESHAT_GUARDED_BY(mutex_) = false;
  bool writing_ SESHAT_GUARDED_BY(mutex_) = false;
  bool reading_ended_ SESHAT_GUARDED_BY(mutex_) = false;
  std::optional<v1::PeerMessage> handshake_message_ SESHAT_GUARDED_BY(mutex_);
  SendQueue queue_ SESHAT_GUARDED_BY(mutex_);
  std::uint64_t next_call_id_ SESHAT_GUARDED_BY(mutex_) = 1;
  std::unordered_map<std::uint64_t, PendingCall> calls_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
