// One listening socket: accepts clients and deals them out to the I/O threads. Private to the
// server.
#pragma once

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "tcp_worker.h"

namespace seshat {

// Threads: owned by the executor of the first worker, but for the constructor and Open().
class TcpListener {
 public:
  // `workers`: not empty; all outlive this.
  TcpListener(TcpServerContext& context, std::vector<TcpWorker*> workers);

  // Binds `address` ("127.0.0.1:6379", "[::1]:0", "localhost:6379") and listens; gives the address
  // with its port resolved.
  // Errors: kInvalidArgument, kFailedPrecondition when the address is in use, kIo.
  Result<std::string> Open(const std::string& address);

  void Start();
  void Stop();

 private:
  void Accept();
  void OnAccept(asio::error_code error, asio::ip::tcp::socket socket, TcpWorker& worker);
  void Prepare(asio::ip::tcp::socket& socket) const;
  void RefuseOneTooMany(asio::ip::tcp::socket& socket) const;

  TcpServerContext& context_;
  const std::vector<TcpWorker*> workers_;
  std::size_t next_worker_ = 0;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
};

}  // namespace seshat
