// The seam between a TCP connection and whoever answers its requests.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "seshat/ports/executor.h"
#include "seshat/resp/request.h"

namespace seshat {

// The connection's side: where replies go. Calls after the connection has closed do nothing.
// Threads: owned by the connection's I/O executor.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  // Queues encoded replies. What is queued in one turn of the I/O thread leaves in one write.
  virtual void Send(std::string bytes) = 0;
  // Closes once everything queued has left.
  virtual void CloseAfterFlush() = 0;
  // Reading pauses while RequestHandler::WantsMore() is false; call this when it is true again.
  virtual void ResumeReading() = 0;
};

// The service's side of one connection.
// Threads: owned by the connection's I/O executor.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // Every complete request that the socket had, in order. The views die at return.
  virtual void OnRequests(std::span<const Arguments> requests) = 0;
  // The bytes after the last request are malformed. `error` is the whole reply line, as in
  // "ERR Protocol error: invalid bulk length": answer what came before, then this, then close.
  virtual void OnProtocolError(std::string_view error) = 0;
  // The peer is gone or was cut off; no more calls follow and nothing can be sent. The handler is
  // destroyed next, then the sink: what is still in flight must not touch either.
  virtual void OnClosed() = 0;
  // False to stop reading from this client for a while (too much in flight).
  virtual bool WantsMore() const = 0;
  // Largest request the client may send now, bytes: small before authentication.
  virtual std::size_t RequestBytesMax() const = 0;
  // True while the client has yet to authenticate: requests are then parsed one at a time and under
  // Redis's limits for strangers (10 arguments of 16 KiB).
  virtual bool NeedsAuthentication() const = 0;
  // Requests taken and not yet answered. A client that has shut down its sending side, and every
  // client of a server that drains, is closed once this is zero and its output has left.
  virtual std::size_t InFlight() const = 0;
};

struct PeerAddress {
  std::string remote;  // "127.0.0.1:52011"
  std::string local;   // "127.0.0.1:6379"
  bool is_loopback = false;
};

// Makes the service's side of a new connection. Null refuses it: `refusal` is then sent, as Redis
// does for "ERR max number of clients reached", and the connection closed.
// Threads: thread-safe.
class RequestHandlerFactory {
 public:
  virtual ~RequestHandlerFactory() = default;

  // `sink` and `executor` outlive the handler.
  virtual std::unique_ptr<RequestHandler> Accept(const PeerAddress& peer, ReplySink& sink,
                                                 Executor& executor, std::string& refusal) = 0;
};

}  // namespace seshat
