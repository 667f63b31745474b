// JoinCall: one question of this node, which wants to join, to a node that it knows only the
// address of.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "outbound_stream.h"
#include "transport_context.h"

namespace seshat {

// Threads: thread-safe.
class JoinCall final : public OutboundStreamOwner, public std::enable_shared_from_this<JoinCall> {
 public:
  // `done`: as TcpTransport::AskToJoin. To be followed by Start or Refuse.
  static std::shared_ptr<JoinCall> Make(const std::shared_ptr<TransportContext>& context,
                                        std::string request, OutboundStream::Done done);

  // Asks. Pre: its stream is counted in context->dialed_streams.
  void Start(const std::string& address);
  // Ends the stream soon; then `done` is told `why`, unless it has heard something already.
  void Cancel(const Error& why);
  // In place of Start: there will be no answer.
  void Refuse(const Error& why);

  void OnStreamOpen(OutboundStream& stream) override;
  void OnStreamEnd(OutboundStream& stream, const Error& why) override;

 private:
  JoinCall(std::string request, OutboundStream::Done done);

  std::string request_;  // owned by the transport's thread once started

  Mutex mutex_;
  std::optional<OutboundStream::Done> done_ SESHAT_GUARDED_BY(mutex_);  // until the stream has it
  // Until it has ended: the two hold each other.
  std::shared_ptr<OutboundStream> stream_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
