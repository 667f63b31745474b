#include "peer_acceptor.h"

#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "grpc_settings.h"

namespace seshat {

PeerAcceptor::PeerAcceptor(std::shared_ptr<TransportContext> context,
                           std::function<void(NodeId)> on_peer_alive)
    : context_(std::move(context)), on_peer_alive_(std::move(on_peer_alive)) {}

PeerAcceptor::~PeerAcceptor() {
  Stop();
}

Status PeerAcceptor::Listen() {
  const std::string& wanted = context_->options.listen_address;
  int port = 0;
  grpc::ServerBuilder builder;
  ConfigureServer(context_->options, builder, port);
  builder.RegisterService(&service_);
  context_->completions.Start(builder.AddCompletionQueue());
  server_ = builder.BuildAndStart();
  if (!server_ || port == 0) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot listen for peers on {}: the port is taken, or the address "
                                 "is not one of this machine",
                                 wanted));
  }
  address_ = fmt::format("{}:{}", wanted.substr(0, wanted.rfind(':')), port);
  ListenForNext();
  return {};
}

void PeerAcceptor::ListenForNext() {
  streams_.Add();
  std::make_shared<InboundStream>(context_, *this)->Listen(service_);
}

void PeerAcceptor::OnStreamArrived(const std::shared_ptr<InboundStream>& stream) {
  ListenForNext();
  bool full = false;
  {
    MutexLock lock(mutex_);
    full = in_handshake_.size() >= context_->options.inbound_handshakes_max;
    if (!full) in_handshake_.insert(stream.get());
  }
  if (full) {
    stream->Reject("too many handshakes at a time");
  } else {
    stream->Start();
  }
}

void PeerAcceptor::OnStreamAdmitted(const std::shared_ptr<InboundStream>& stream) {
  std::shared_ptr<InboundStream> replaced;
  {
    MutexLock lock(mutex_);
    in_handshake_.erase(stream.get());
    std::shared_ptr<InboundStream>& place = admitted_[{stream->peer(), stream->kind()}];
    replaced = std::exchange(place, stream);
  }
  if (replaced) replaced->Close();
  if (stream->kind() == StreamKind::kControl) on_peer_alive_(stream->peer());
}

void PeerAcceptor::OnStreamEnd(InboundStream& stream) {
  std::shared_ptr<InboundStream> forgotten;
  {
    MutexLock lock(mutex_);
    in_handshake_.erase(&stream);
    const auto place = admitted_.find({stream.peer(), stream.kind()});
    if (place != admitted_.end() && place->second.get() == &stream) {
      forgotten = std::move(place->second);
      admitted_.erase(place);
    }
  }
  streams_.Remove();
}

void PeerAcceptor::ClosePeer(NodeId peer) {
  std::vector<std::shared_ptr<InboundStream>> streams;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, stream] : admitted_) {
      if (key.first == peer) streams.push_back(stream);
    }
  }
  for (const auto& stream : streams) stream->Close();
}

void PeerAcceptor::Stop() {
  if (!server_) return;
  // A deadline in the past: calls are cancelled at once, then waited for.
  server_->Shutdown(std::chrono::system_clock::now());
  streams_.WaitForNone();
  server_.reset();
}

}  // namespace seshat
