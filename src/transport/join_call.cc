#include "join_call.h"

#include <utility>

namespace seshat {

JoinCall::JoinCall(std::string request, OutboundStream::Done done)
    : request_(std::move(request)), done_(std::move(done)) {}

std::shared_ptr<JoinCall> JoinCall::Make(const std::shared_ptr<TransportContext>& context,
                                         std::string request, OutboundStream::Done done) {
  const std::shared_ptr<JoinCall> call(new JoinCall(std::move(request), std::move(done)));
  MutexLock lock(call->mutex_);
  call->stream_ =
      std::make_shared<OutboundStream>(context, call, kNoNode, StreamKind::kJoin,
                                       StreamMetrics(*context, kNoNode, StreamKind::kJoin));
  return call;
}

void JoinCall::Start(const std::string& address) {
  std::shared_ptr<OutboundStream> stream;
  {
    MutexLock lock(mutex_);
    stream = stream_;
  }
  stream->Start(address);
}

void JoinCall::Cancel(const Error& why) {
  std::shared_ptr<OutboundStream> stream;
  {
    MutexLock lock(mutex_);
    stream = stream_;
  }
  if (stream) stream->Cancel(why);
}

void JoinCall::Refuse(const Error& why) {
  std::optional<OutboundStream::Done> done;
  std::shared_ptr<OutboundStream> ended;
  {
    MutexLock lock(mutex_);
    done = std::exchange(done_, std::nullopt);
    ended.swap(stream_);
  }
  if (done) (*done)(std::unexpected(why));
}

void JoinCall::OnStreamOpen(OutboundStream& stream) {
  std::optional<OutboundStream::Done> done;
  {
    MutexLock lock(mutex_);
    done = std::exchange(done_, std::nullopt);
  }
  // One question, one answer: then the stream has no more to do.
  OutboundStream::Done ending = [weak = weak_from_this(),
                                 done = *std::move(done)](Result<std::string> answer) mutable {
    done(std::move(answer));
    if (const auto call = weak.lock()) {
      call->Cancel(Error(ErrorCode::kUnavailable, "the question is answered"));
    }
  };
  if (Status asked = stream.Call(request_, kNever, ending); !asked) {
    ending(std::unexpected(asked.error()));
  }
}

void JoinCall::OnStreamEnd(OutboundStream& /*stream*/, const Error& why) {
  Refuse(why);
}

}  // namespace seshat
