// One client's connection: bytes in, requests to its handler, replies out. Private to the server.
//
// Reads and writes are tried at once and only then waited for, so an ordinary request costs one
// read, one write and one wait. Nothing closes while a handler is being called: whatever happens
// during a turn of the I/O thread is only noted, and acted upon in EndTurn().
#pragma once

#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "output_queue.h"
#include "read_buffer.h"
#include "seshat/base/time.h"
#include "seshat/resp/connection.h"
#include "seshat/resp/request_parser.h"

namespace seshat {

class TcpWorker;
struct TcpServerContext;

// Threads: owned by its worker's executor.
class TcpSession final : public ReplySink, public std::enable_shared_from_this<TcpSession> {
 public:
  TcpSession(asio::ip::tcp::socket socket, TcpWorker& worker);

  // Asks the factory for a handler and begins to read, or refuses the client.
  void Start();

  void Send(std::string bytes) override;
  void CloseAfterFlush() override;
  void ResumeReading() override;

  // Has EndTurn() called at the end of this turn.
  void Touch();
  // Writes what was sent in this turn, parses on if it may, closes if it is time to.
  void EndTurn();
  // Takes no more requests and closes once everything taken has been answered.
  void Drain();
  // Closes at the end of this turn, whatever waits.
  void Abort();
  // Enforces the limits that depend on time.
  void Tick(MonotonicTime now);

 private:
  void WaitReadable();
  void OnReadable();
  void Read();
  void HandleInput();
  bool MayTakeRequests() const;
  RequestLimits Limits() const;

  void Write();
  void OnWritable();
  void NoteOutputSize();

  bool IsDone() const;
  void Close();
  void DiscardInput();

  TcpWorker& worker_;
  TcpServerContext& context_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<RequestHandler> handler_;  // null: the client was refused, or is gone

  ReadBuffer input_;
  RequestParser parser_;
  std::size_t missing_ = 0;  // see ParseProgress::missing
  OutputQueue output_;
  std::optional<MonotonicTime> over_soft_since_;
  MonotonicTime last_read_;

  bool touched_ = false;
  bool waits_readable_ = false;
  bool waits_writable_ = false;
  bool has_unparsed_ = false;  // input_ may hold complete requests that were not taken
  bool input_ended_ = false;   // the client has shut down its side
  bool malformed_ = false;     // a protocol error: the handler answers it, then closes
  bool draining_ = false;
  bool close_after_flush_ = false;
  bool aborted_ = false;
  bool closed_ = false;
};

}  // namespace seshat
