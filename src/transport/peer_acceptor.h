// The door of one node: accepts peers' streams and keeps at most one of a kind from each.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "inbound_stream.h"
#include "transport_context.h"

namespace seshat {

// Threads: thread-safe.
class PeerAcceptor final : public InboundStreamOwner {
 public:
  // `on_peer_alive` is called when a peer has proven itself; on transport threads, must not block.
  PeerAcceptor(std::shared_ptr<TransportContext> context,
               std::function<void(NodeId)> on_peer_alive);

  // Errors: kIo when the address cannot be listened on. Called once.
  Status Listen();
  // host:port as bound. Pre: Listen succeeded.
  const std::string& address() const { return address_; }

  // Closes what `peer` has open.
  void ClosePeer(NodeId peer);
  // Closes everything and waits until it is closed. Called once at most, not from a reaction; the
  // transport's thread must be stopped before this goes.
  void Stop();

  void OnStreamAdmitted(const std::shared_ptr<InboundStream>& stream) override;
  void OnStreamEnd(InboundStream& stream) override;

 private:
  using Key = std::pair<NodeId, StreamKind>;

  // Unless there are as many handshakes as there may be: then the next one that ends calls it
  // again, and whoever comes meanwhile waits in the kernel's queue.
  void AcceptNext();
  void OnAccepted(const asio::error_code& error, asio::ip::tcp::socket socket);
  void CloseAll();

  const std::shared_ptr<TransportContext> context_;
  const std::function<void(NodeId)> on_peer_alive_;
  std::string address_;

  // Owned by the transport's thread once listening.
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  bool is_accepting_ = false;
  std::map<const InboundStream*, std::shared_ptr<InboundStream>> in_handshake_;

  Mutex mutex_;
  std::map<Key, std::shared_ptr<InboundStream>> admitted_ SESHAT_GUARDED_BY(mutex_);
  LiveCount live_;  // streams, and the door while it is open
};

}  // namespace seshat
