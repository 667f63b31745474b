// The gRPC server of one node: accepts peers' streams and keeps at most one of a kind from each.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
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
  ~PeerAcceptor() override;

  // Errors: kIo when the address cannot be listened on. Called once.
  Status Listen();
  // host:port as bound. Pre: Listen succeeded.
  const std::string& address() const { return address_; }

  // Closes what `peer` has open.
  void ClosePeer(NodeId peer);
  // Closes everything and waits for the last reaction. Idempotent; not from a reaction.
  void Stop();

  void OnStreamArrived(const std::shared_ptr<InboundStream>& stream) override;
  void OnStreamAdmitted(const std::shared_ptr<InboundStream>& stream) override;
  void OnStreamEnd(InboundStream& stream) override;

 private:
  using Key = std::pair<NodeId, StreamKind>;

  void ListenForNext();

  const std::shared_ptr<TransportContext> context_;
  const std::function<void(NodeId)> on_peer_alive_;
  v1::Peer::AsyncService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;

  Mutex mutex_;
  std::map<Key, std::shared_ptr<InboundStream>> admitted_ SESHAT_GUARDED_BY(mutex_);
  std::set<const InboundStream*> in_handshake_ SESHAT_GUARDED_BY(mutex_);
  LiveCount streams_;
};

}  // namespace seshat
