#include "seshat/transport/tcp_transport.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "join_call.h"
#include "peer_acceptor.h"
#include "peer_dialer.h"
#include "transport_context.h"

namespace seshat {
namespace {

constexpr std::size_t kFrameBytesMin = 4096;
constexpr std::size_t kFrameBytesMax = std::size_t{16} << 20;

std::unexpected<Error> Invalid(std::string why) {
  return MakeError(ErrorCode::kInvalidArgument, "transport: " + std::move(why));
}

Status CheckOptions(const TransportOptions& options, const PeerIdentity& identity) {
  if (options.node_id == kNoNode) return Invalid("node id 0");
  if (identity.store_id.empty()) return Invalid("an empty store id");
  if (options.listen_address.rfind(':') == std::string::npos) {
    return Invalid(fmt::format("listen address \"{}\" is not host:port", options.listen_address));
  }
  if (options.frame_bytes_max < kFrameBytesMin || options.frame_bytes_max > kFrameBytesMax) {
    return Invalid(fmt::format("frame limit {} is not within {} and {}", options.frame_bytes_max,
                               kFrameBytesMin, kFrameBytesMax));
  }
  for (const StreamKind kind :
       {StreamKind::kControl, StreamKind::kAppend, StreamKind::kForward, StreamKind::kSnapshot}) {
    if (QueueBytesMax(options, kind) < options.frame_bytes_max) {
      return Invalid(fmt::format("a {} queue of {} bytes has no room for one frame of {}",
                                 ToString(kind), QueueBytesMax(options, kind),
                                 options.frame_bytes_max));
    }
  }
  if (options.calls_in_flight_max == 0 || options.inbound_handshakes_max == 0) {
    return Invalid("a limit of 0 calls or handshakes");
  }
  if (options.backoff_min <= Duration(0) || options.backoff_max < options.backoff_min) {
    return Invalid("back-off must be over 0, and its maximum not under its minimum");
  }
  if (options.handshake_timeout <= Duration(0) || options.keepalive_interval <= Duration(0) ||
      options.keepalive_timeout <= Duration(0)) {
    return Invalid("a timeout that is not over 0");
  }
  return {};
}

}  // namespace

// Threads: thread-safe.
class TcpTransport::Impl {
 public:
  explicit Impl(std::shared_ptr<TransportContext> context)
      : context_(std::move(context)), acceptor_(context_, [this](NodeId peer) { OnAlive(peer); }) {}

  Status Listen() { return acceptor_.Listen(); }
  const std::string& address() const { return acceptor_.address(); }
  TransportContext& context() { return *context_; }

  void SetPeer(NodeId peer, std::string address);
  void RemovePeer(NodeId peer);
  // Null when there is none.
  std::shared_ptr<PeerDialer> Find(NodeId peer) const;
  void RefuseCall(NodeId to, UniqueFunction<void(Result<std::string>)> done);
  void AskToJoin(const std::string& address, std::string request, MonotonicTime deadline,
                 UniqueFunction<void(Result<std::string>)> done);
  void Stop();

 private:
  // Whoever reaches us can be reached: no need to sit out the back-off.
  void OnAlive(NodeId peer) {
    if (const auto dialer = Find(peer)) dialer->DialNow();
  }

  const std::shared_ptr<TransportContext> context_;
  PeerAcceptor acceptor_;

  mutable Mutex mutex_;
  bool stopped_ SESHAT_GUARDED_BY(mutex_) = false;
  std::map<NodeId, std::shared_ptr<PeerDialer>> peers_ SESHAT_GUARDED_BY(mutex_);
  std::shared_ptr<JoinCall> join_ SESHAT_GUARDED_BY(mutex_);
};

std::shared_ptr<PeerDialer> TcpTransport::Impl::Find(NodeId peer) const {
  MutexLock lock(mutex_);
  const auto place = peers_.find(peer);
  return place == peers_.end() ? nullptr : place->second;
}

void TcpTransport::Impl::SetPeer(NodeId peer, std::string address) {
  if (peer == context_->options.node_id || peer == kNoNode) return;
  const auto dialer = std::make_shared<PeerDialer>(context_, peer, std::move(address));
  std::shared_ptr<PeerDialer> replaced;
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    std::shared_ptr<PeerDialer>& place = peers_[peer];
    if (place && place->address() == dialer->address()) return;
    replaced = std::exchange(place, dialer);
  }
  if (replaced) replaced->Close();
  dialer->DialNow();
}

void TcpTransport::Impl::RemovePeer(NodeId peer) {
  std::shared_ptr<PeerDialer> removed;
  {
    MutexLock lock(mutex_);
    const auto place = peers_.find(peer);
    if (place != peers_.end()) {
      removed = std::move(place->second);
      peers_.erase(place);
    }
  }
  if (removed) removed->Close();
  acceptor_.ClosePeer(peer);
}

void TcpTransport::Impl::RefuseCall(NodeId to, UniqueFunction<void(Result<std::string>)> done) {
  context_->timers.Post([to, refused = std::move(done)]() mutable {
    refused(MakeError(ErrorCode::kUnavailable,
                      fmt::format("node {} is not a peer of this node", to.value())));
  });
}

void TcpTransport::Impl::AskToJoin(const std::string& address, std::string request,
                                   MonotonicTime deadline,
                                   UniqueFunction<void(Result<std::string>)> done) {
  const auto call = JoinCall::Make(context_, std::move(request), std::move(done));
  std::shared_ptr<JoinCall> given_up;
  bool is_stopped = false;
  {
    MutexLock lock(mutex_);
    is_stopped = stopped_;
    if (!is_stopped) given_up = std::exchange(join_, call);
    if (!is_stopped) context_->dialed_streams.Add();  // Stop waits for it from here on
  }
  if (given_up) given_up->Cancel(Error(ErrorCode::kUnavailable, "given up for another question"));
  if (is_stopped) return call->Refuse(Error(ErrorCode::kUnavailable, "this node is stopping"));
  context_->timers.At(deadline, [weak = std::weak_ptr(call)] {
    if (const auto late = weak.lock()) {
      late->Cancel(Error(ErrorCode::kUnavailable, "no answer in time"));
    }
  });
  call->Start(address);
}

void TcpTransport::Impl::Stop() {
  std::map<NodeId, std::shared_ptr<PeerDialer>> peers;
  std::shared_ptr<JoinCall> join;
  {
    MutexLock lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    peers.swap(peers_);
    join.swap(join_);
  }
  if (join) join->Cancel(Error(ErrorCode::kUnavailable, "this node is stopping"));
  for (const auto& [peer, dialer] : peers) dialer->Close();
  context_->timers.Stop();
  context_->dialed_streams.WaitForNone();
  acceptor_.Stop();
  context_->io.Stop();
}

Result<std::unique_ptr<TcpTransport>> TcpTransport::Start(TransportOptions options,
                                                          PeerIdentity identity,
                                                          PeerHandler& handler,
                                                          HandshakePolicy& policy, Clock& clock,
                                                          Rng& rng, Metrics& metrics) {
  if (Status checked = CheckOptions(options, identity); !checked) {
    return std::unexpected(std::move(checked).error());
  }
  auto impl = std::make_unique<Impl>(std::make_shared<TransportContext>(
      std::move(options), std::move(identity), handler, policy, clock, rng, metrics));
  if (Status listening = impl->Listen(); !listening) {
    return std::unexpected(std::move(listening).error());
  }
  return std::unique_ptr<TcpTransport>(new TcpTransport(std::move(impl)));
}

TcpTransport::TcpTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TcpTransport::~TcpTransport() {
  Stop();
}

void TcpTransport::SetIdentity(PeerIdentity identity) {
  impl_->context().SetIdentity(std::move(identity));
}

void TcpTransport::SetPeer(NodeId peer, std::string address) {
  impl_->SetPeer(peer, std::move(address));
}

void TcpTransport::RemovePeer(NodeId peer) {
  impl_->RemovePeer(peer);
}

bool TcpTransport::Connected(NodeId peer) const {
  const auto dialer = impl_->Find(peer);
  return dialer && dialer->Connected();
}

std::string TcpTransport::LastError(NodeId peer) const {
  const auto dialer = impl_->Find(peer);
  return dialer ? dialer->LastError() : std::string("not a peer of this node");
}

const std::string& TcpTransport::ListenAddress() const {
  return impl_->address();
}

void TcpTransport::Stop() {
  impl_->Stop();
}

void TcpTransport::AskToJoin(const std::string& address, std::string request,
                             MonotonicTime deadline,
                             UniqueFunction<void(Result<std::string>)> done) {
  impl_->AskToJoin(address, std::move(request), deadline, std::move(done));
}

void TcpTransport::Send(NodeId to, Channel channel, std::string payload) {
  if (const auto dialer = impl_->Find(to)) dialer->Send(StreamKindOf(channel), std::move(payload));
}

void TcpTransport::Call(NodeId to, CallKind kind, std::string request, MonotonicTime deadline,
                        UniqueFunction<void(Result<std::string>)> done) {
  if (const auto dialer = impl_->Find(to)) {
    dialer->Call(StreamKindOf(kind), std::move(request), deadline, std::move(done));
  } else {
    impl_->RefuseCall(to, std::move(done));
  }
}

}  // namespace seshat
