#include "exchange_calls.h"

namespace seshat {

void DialedCall::Start(const std::shared_ptr<grpc::Channel>& channel,
                       grpc::CompletionQueue& queue) {
  stub_ = v1::Peer::NewStub(channel);
  stream_ = stub_->PrepareAsyncExchange(&context_, &queue);
  stream_->StartCall(start_.Tag());
}

void AcceptedCall::Request(v1::Peer::AsyncService& service, grpc::ServerCompletionQueue& queue) {
  context_.AsyncNotifyWhenDone(end_.Tag());
  service.RequestExchange(&context_, &stream_, &queue, &queue, arrive_.Tag());
}

void AcceptedCall::OnFinished(bool /*ok*/) {
  is_finished_ = true;
  if (has_ended_) handler_.OnDone();
}

void AcceptedCall::OnEnded(bool /*ok*/) {
  has_ended_ = true;
  if (is_finished_) return handler_.OnDone();
  if (context_.IsCancelled()) handler_.OnCancel();
}

}  // namespace seshat
