#include "peer_acceptor.h"

#include <fmt/format.h>

#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <vector>

#include "seshat/base/host_port.h"

namespace seshat {
namespace {

using asio::ip::tcp;

// After a failure to accept (no file descriptor left, say): long enough not to spin.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

// Opens, binds and listens on the first address that the host stands for.
asio::error_code Open(tcp::acceptor& acceptor, const HostPort& address) {
  asio::error_code error;
  tcp::resolver resolver(acceptor.get_executor());
  const auto found =
      resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, error);
  if (error) return error;
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  return error;
}

}  // namespace

PeerAcceptor::PeerAcceptor(std::shared_ptr<TransportContext> context,
                           std::function<void(NodeId)> on_peer_alive)
    : context_(std::move(context)),
      on_peer_alive_(std::move(on_peer_alive)),
      acceptor_(context_->io.context()),
      pause_(context_->io.context()) {}

Status PeerAcceptor::Listen() {
  const std::string& wanted = context_->options.listen_address;
  if (const asio::error_code error = Open(acceptor_, SplitHostPort(wanted))) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot listen for peers on {}: {}", wanted, error.message()));
  }
  asio::error_code ignored;
  address_ = fmt::format("{}:{}", wanted.substr(0, wanted.rfind(':')),
                         acceptor_.local_endpoint(ignored).port());
  live_.Add();
  asio::post(context_->io.context(), [this] { AcceptNext(); });
  return {};
}

void PeerAcceptor::AcceptNext() {
  if (!acceptor_.is_open() || is_accepting_) return;
  if (in_handshake_.size() >= context_->options.inbound_handshakes_max) return;
  is_accepting_ = true;
  acceptor_.async_accept([this](const asio::error_code& error, tcp::socket socket) {
    is_accepting_ = false;
    OnAccepted(error, std::move(socket));
  });
}

void PeerAcceptor::OnAccepted(const asio::error_code& error, tcp::socket socket) {
  if (!acceptor_.is_open()) return;
  if (error) {
    pause_.expires_after(kAcceptPause);
    return pause_.async_wait([this](const asio::error_code&) { AcceptNext(); });
  }
  const auto stream = std::make_shared<InboundStream>(context_, *this);
  in_handshake_.emplace(stream.get(), stream);
  live_.Add();
  stream->Start(std::move(socket));
  AcceptNext();
}

void PeerAcceptor::OnStreamAdmitted(const std::shared_ptr<InboundStream>& stream) {
  std::shared_ptr<InboundStream> replaced;
  {
    MutexLock lock(mutex_);
    std::shared_ptr<InboundStream>& place = admitted_[{stream->peer(), stream->kind()}];
    replaced = std::exchange(place, stream);
  }
  if (replaced) replaced->Close();
  in_handshake_.erase(stream.get());
  AcceptNext();
  if (stream->kind() == StreamKind::kControl) on_peer_alive_(stream->peer());
}

void PeerAcceptor::OnStreamEnd(InboundStream& stream) {
  std::shared_ptr<InboundStream> forgotten;
  {
    MutexLock lock(mutex_);
    const auto place = admitted_.find({stream.peer(), stream.kind()});
    if (place != admitted_.end() && place->second.get() == &stream) {
      forgotten = std::move(place->second);
      admitted_.erase(place);
    }
  }
  in_handshake_.erase(&stream);
  AcceptNext();
  live_.Remove();
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
  asio::post(context_->io.context(), [this] { CloseAll(); });
  live_.WaitForNone();
}

void PeerAcceptor::CloseAll() {
  asio::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  std::vector<std::shared_ptr<InboundStream>> streams;
  for (const auto& [key, stream] : in_handshake_) streams.push_back(stream);
  {
    MutexLock lock(mutex_);
    for (const auto& [key, stream] : admitted_) streams.push_back(stream);
  }
  for (const auto& stream : streams) stream->Close();
  live_.Remove();
}

}  // namespace seshat
