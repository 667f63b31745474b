// One Exchange call, at the end that opened it and at the end that accepted it: gRPC's operations
// on a completion queue, and what each calls when it has ended.
//
// At each end at most one read and one write are under way; no operation begins after Finish.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>

#include "completion_thread.h"
#include "seshat/v1/peer.grpc.pb.h"

namespace seshat {

// Called on the completion thread, under no lock.
class ExchangeReader {
 public:
  virtual ~ExchangeReader() = default;
  // False: nothing more will come.
  virtual void OnReadDone(bool ok) = 0;
  virtual void OnWriteDone(bool ok) = 0;
};

class DialedCallHandler : public ExchangeReader {
 public:
  // False: there is no connection; what is left to do is Finish.
  virtual void OnStarted(bool ok) = 0;
  // After Finish. The last of all; may destroy the call.
  virtual void OnDone(const grpc::Status& status) = 0;
};

// Threads: thread-safe after Start, within the rules above.
class DialedCall {
 public:
  // Lifetime: `handler` lives until OnDone.
  explicit DialedCall(DialedCallHandler& handler) : handler_(handler) {}

  void Start(const std::shared_ptr<grpc::Channel>& channel, grpc::CompletionQueue& queue);
  void Read(v1::PeerMessage& message) { stream_->Read(&message, read_.Tag()); }
  void Write(const v1::PeerMessage& message) { stream_->Write(message, write_.Tag()); }
  void Finish() { stream_->Finish(&status_, finish_.Tag()); }
  // Ends what is under way soon. May come before Start.
  void Cancel() { context_.TryCancel(); }

 private:
  void OnStarted(bool ok) { handler_.OnStarted(ok); }
  void OnRead(bool ok) { handler_.OnReadDone(ok); }
  void OnWritten(bool ok) { handler_.OnWriteDone(ok); }
  void OnFinished(bool /*ok*/) { handler_.OnDone(status_); }

  DialedCallHandler& handler_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::Peer::Stub> stub_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::PeerMessage, v1::PeerMessage>> stream_;
  grpc::Status status_;
  CompletionOf<DialedCall> start_{*this, &DialedCall::OnStarted};
  CompletionOf<DialedCall> read_{*this, &DialedCall::OnRead};
  CompletionOf<DialedCall> write_{*this, &DialedCall::OnWritten};
  CompletionOf<DialedCall> finish_{*this, &DialedCall::OnFinished};
};

class AcceptedCallHandler : public ExchangeReader {
 public:
  // A peer has opened the call. False: the server has stopped; nothing else follows.
  virtual void OnArrived(bool ok) = 0;
  // The call is broken or cancelled; operations under way end too. Finish is still due.
  virtual void OnCancel() = 0;
  // After Finish. The last of all; may destroy the call.
  virtual void OnDone() = 0;
};

// Threads: thread-safe after OnArrived, within the rules above.
class AcceptedCall {
 public:
  // Lifetime: `handler` lives until OnDone, or OnArrived with false.
  explicit AcceptedCall(AcceptedCallHandler& handler) : handler_(handler) {}

  // Waits for a peer to open a call.
  void Request(v1::Peer::AsyncService& service, grpc::ServerCompletionQueue& queue);
  void Read(v1::PeerMessage& message) { stream_.Read(&message, read_.Tag()); }
  void Write(const v1::PeerMessage& message) { stream_.Write(message, write_.Tag()); }
  void Finish(const grpc::Status& status) { stream_.Finish(status, finish_.Tag()); }
  void Cancel() { context_.TryCancel(); }

 private:
  void OnArrived(bool ok) { handler_.OnArrived(ok); }
  void OnRead(bool ok) { handler_.OnReadDone(ok); }
  void OnWritten(bool ok) { handler_.OnWriteDone(ok); }
  void OnFinished(bool ok);
  void OnEnded(bool ok);

  AcceptedCallHandler& handler_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<v1::PeerMessage, v1::PeerMessage> stream_{&context_};
  // Owned by the completion thread. gRPC reports in either order that Finish is done and that the
  // call has ended.
  bool is_finished_ = false;
  bool has_ended_ = false;
  CompletionOf<AcceptedCall> arrive_{*this, &AcceptedCall::OnArrived};
  CompletionOf<AcceptedCall> read_{*this, &AcceptedCall::OnRead};
  CompletionOf<AcceptedCall> write_{*this, &AcceptedCall::OnWritten};
  CompletionOf<AcceptedCall> finish_{*this, &AcceptedCall::OnFinished};
  CompletionOf<AcceptedCall> end_{*this, &AcceptedCall::OnEnded};
};

}  // namespace seshat
