// The door for clients: RESP over TCP. Knows connections and bytes, no command and no Raft.
//
// Each connection lives on one I/O thread. Requests go to its RequestHandler as they arrive;
// whatever the handler sends in one turn of the thread leaves in one write.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/metrics.h"
#include "seshat/resp/connection.h"

namespace seshat {

struct TcpServerOptions {
  // "127.0.0.1:6379", "[::1]:6379", "localhost:6379"; port 0 takes a free one. A name stands for
  // the first address it resolves to.
  std::vector<std::string> listen = {"127.0.0.1:6379"};
  NodeId node_id{1};  // the label of the metrics
  std::size_t io_threads = 1;
  std::size_t connections_max = 10'000;
  int backlog = 511;

  std::size_t request_bytes_max = 64 * 1024 * 1024;  // less where the handler says so
  // More replies waiting than this: the client is cut off at once.
  std::size_t output_hard_bytes = 64 * 1024 * 1024;
  // More than this: nothing more is read from the client until it has taken replies; and for
  // output_soft_duration on end: it is cut off.
  std::size_t output_soft_bytes = 16 * 1024 * 1024;
  Duration output_soft_duration = std::chrono::seconds(60);

  std::chrono::seconds tcp_keepalive{300};  // 0: off
  Duration idle_timeout{0};                 // 0: never
};

// Threads: thread-safe but for Start and Stop, which one thread calls.
class TcpServer {
 public:
  // All three outlive the server; the factory is called on the I/O threads.
  TcpServer(TcpServerOptions options, RequestHandlerFactory& factory, const Clock& clock,
            Metrics& metrics);
  // Stops, without waiting for anything in flight.
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // Binds every address, then accepts. Call it once.
  // Errors: kInvalidArgument names the option; kFailedPrecondition names the address that is in
  //         use; kIo for what else the system refuses. Nothing runs then.
  Status Start();

  // Stops accepting and reading, waits up to `drain` until every request in flight is answered and
  // its reply has left, closes what remains and joins the threads. May be called twice.
  void Stop(Duration drain);

  // Where it listens, ports resolved, in the order of TcpServerOptions::listen.
  const std::vector<std::string>& bound_addresses() const;
  // The first of them.
  const std::string& bound_address() const { return bound_addresses().front(); }

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace seshat
