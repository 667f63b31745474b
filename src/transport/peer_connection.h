// One TCP connection between two nodes, at the end that dialled and at the end that accepted.
//
// On the wire a message is its length, four bytes, big endian, and so many bytes of a PeerMessage.
// A length of 0 is a sign of life: whoever has nothing to say for an interval sends one.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/ports/clock.h"
#include "seshat/transport/transport_options.h"

namespace seshat {

namespace v1 {
class PeerMessage;
}  // namespace v1

// Called on the transport's thread, under no lock.
class PeerConnectionHandler {
 public:
  virtual ~PeerConnectionHandler() = default;
  // The peer accepted what was dialled.
  virtual void OnConnected() {}
  // True: goes on to the next message. False: not before ResumeReading, or never.
  virtual bool OnMessage(v1::PeerMessage& message) = 0;
  // Nothing more will be read, if ever there was a connection: it broke, was closed or fell silent
  // (kUnavailable), or the peer sent what is no message (kCorruption).
  virtual void OnReadEnd(const Error& why) = 0;
  // A write that could not end at once has ended.
  virtual void OnWriteDone(bool ok) = 0;
  // Nothing was written for an interval: an empty message is due, unless a write is under way.
  virtual void OnIdle() = 0;
  // After Finish. The last of all.
  virtual void OnDone() = 0;
};

// At most one write is under way; nothing begins after Finish. Keeps itself alive until OnDone.
// Threads: thread-safe within these rules.
class PeerConnection : public std::enable_shared_from_this<PeerConnection> {
 public:
  // Lifetime: `io`, `options` and `clock` outlive this; `handler` lives until OnDone.
  PeerConnection(asio::io_context& io, const TransportOptions& options, const Clock& clock,
                 PeerConnectionHandler& handler);

  // One of the two, once. `address`: host:port, where the host may be a name.
  void Dial(std::string address);
  void Adopt(asio::ip::tcp::socket socket);

  void ResumeReading();
  // Pre: connected. True: the kernel has taken the whole message. False: OnWriteDone follows.
  bool Write(const v1::PeerMessage& message);
  // Ends reading and writing soon, whatever state they are in, with OnReadEnd(why).
  void Cancel(Error why);
  // Closes. Pre: no write is under way, and reading has ended or OnMessage has returned false.
  void Finish();

 private:
  void Resolve(const std::string& address);
  void Connect(const asio::ip::tcp::resolver::results_type& endpoints);
  void Begin();
  void AwaitBytes();
  void OnBytes(const asio::error_code& error, std::size_t count);
  // Hands on the messages that are here whole, as far as the handler wants them.
  void ReadOn();
  // Room for the rest of the message that has begun.
  void MakeRoom();
  void EndReading(Error why);
  void Break(Error why);
  void WriteRest(std::size_t sent);
  void ReleaseLargeOutput();
  void ScheduleTick();
  void Tick();
  void Close();

  asio::io_context& io_;
  const TransportOptions& options_;
  const Clock& clock_;
  PeerConnectionHandler& handler_;

  // Owned by the transport's thread. The descriptor is also written by whoever writes: it stays
  // open until Finish.
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer tick_;
  std::optional<Error> why_broken_;
  bool is_dialing_ = false;
  bool is_reading_ = false;
  bool has_read_end_ = false;
  bool is_done_ = false;
  MonotonicTime heard_at_{};
  std::string input_;  // bytes input_begin_ to input_end_ are not handed on yet
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;

  // Owned by whoever writes.
  std::string output_;
  std::atomic<bool> has_written_ = false;  // since the last tick
};

}  // namespace seshat
