#include "tcp_listener.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/v6_only.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <utility>

namespace seshat {
namespace {

using asio::ip::tcp;

// After a failure to accept (no file descriptor left, say): long enough not to spin.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
// Redis's own text.
constexpr std::string_view kTooManyClients = "-ERR max number of clients reached\r\n";

struct HostAndPort {
  std::string host;
  std::string port;
};

Result<HostAndPort> Split(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  const auto invalid = [&] {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("listen address '{}': expected HOST:PORT or [IPv6]:PORT with a "
                                 "port from 0 to 65535",
                                 address));
  };
  if (colon == std::string::npos || colon == 0) return invalid();
  HostAndPort parts{address.substr(0, colon), address.substr(colon + 1)};
  const char* const end = parts.port.data() + parts.port.size();
  std::uint16_t port = 0;
  const auto [rest, code] = std::from_chars(parts.port.data(), end, port);
  if (parts.port.empty() || code != std::errc() || rest != end) return invalid();
  const bool bracketed = parts.host.starts_with('[') && parts.host.ends_with(']');
  if (!bracketed && parts.host.find(':') != std::string::npos) return invalid();
  if (bracketed) parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

void SetOption(tcp::socket& socket, int level, int name, int value) {
  // Best effort: without it the connection works all the same.
  (void)setsockopt(socket.native_handle(), level, name, &value, sizeof(value));
}

}  // namespace

TcpListener::TcpListener(TcpServerContext& context, std::vector<TcpWorker*> workers)
    : context_(context),
      workers_(std::move(workers)),
      acceptor_(workers_.front()->executor().context()),
      pause_(workers_.front()->executor().context()) {}

Result<std::string> TcpListener::Open(const std::string& address) {
  const Result<HostAndPort> parts = Split(address);
  if (!parts) return std::unexpected(parts.error());
  const auto failed = [&](const asio::error_code& error, ErrorCode code) {
    return MakeError(code, fmt::format("cannot listen on {}: {}", address, error.message()));
  };
  asio::error_code error;
  tcp::resolver resolver(acceptor_.get_executor());
  const auto found = resolver.resolve(parts->host, parts->port, tcp::resolver::passive, error);
  if (error || found.empty()) return failed(error, ErrorCode::kInvalidArgument);
  const tcp::endpoint endpoint = found.begin()->endpoint();

  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) {
    acceptor_.set_option(asio::ip::v6_only(true), error);
  }
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(context_.options.backlog, error);
  if (!error) acceptor_.non_blocking(true, error);
  const tcp::endpoint bound = error ? endpoint : acceptor_.local_endpoint(error);
  if (error == asio::error::address_in_use) return failed(error, ErrorCode::kFailedPrecondition);
  if (error) return failed(error, ErrorCode::kIo);
  const std::string host = bound.address().to_string();
  return bound.address().is_v6() ? fmt::format("[{}]:{}", host, bound.port())
                                 : fmt::format("{}:{}", host, bound.port());
}

void TcpListener::Start() {
  Accept();
}

void TcpListener::Stop() {
  asio::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void TcpListener::Accept() {
  TcpWorker& worker = *workers_[next_worker_++ % workers_.size()];
  acceptor_.async_accept(worker.executor().context(),
                         [this, &worker](asio::error_code error, tcp::socket socket) {
                           OnAccept(error, std::move(socket), worker);
                         });
}

void TcpListener::OnAccept(asio::error_code error, tcp::socket socket, TcpWorker& worker) {
  if (!acceptor_.is_open()) return;
  if (error) {
    context_.metrics.accept_errors.Increment();
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const asio::error_code& cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  Prepare(socket);
  if (context_.connections.fetch_add(1) >= context_.options.connections_max) {
    context_.connections.fetch_sub(1);
    RefuseOneTooMany(socket);
  } else {
    context_.metrics.accepted.Increment();
    context_.metrics.connections.Add(1);
    worker.executor().Post(
        [&worker, socket = std::move(socket)]() mutable { worker.Adopt(std::move(socket)); });
  }
  Accept();
}

void TcpListener::Prepare(tcp::socket& socket) const {
  asio::error_code ignored;
  socket.non_blocking(true, ignored);
  SetOption(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  const int keepalive = static_cast<int>(context_.options.tcp_keepalive.count());
  if (keepalive <= 0) return;
  // As Redis: three probes within one interval more before the peer counts as gone.
  SetOption(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive);
  SetOption(socket, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, keepalive / 3));
  SetOption(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void TcpListener::RefuseOneTooMany(tcp::socket& socket) const {
  context_.metrics.rejected.Increment();
  asio::error_code ignored;
  socket.write_some(asio::buffer(kTooManyClients), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  // What the client has sent already must be read, or closing resets the connection before the
  // client sees the reply.
  std::array<char, 4096> scrap;
  socket.read_some(asio::buffer(scrap), ignored);
  socket.close(ignored);
}

}  // namespace seshat
