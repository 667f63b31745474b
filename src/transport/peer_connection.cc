#include "peer_connection.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/connect.hpp>
#include <asio/post.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "seshat/base/big_endian.h"
#include "seshat/base/host_port.h"
#include "seshat/v1/peer.pb.h"

namespace seshat {
namespace {

using asio::ip::tcp;

constexpr std::size_t kLengthBytes = 4;
// What a buffer keeps for the next message; larger ones are given back.
constexpr std::size_t kBufferBytesKept = std::size_t{64} << 10;
// Room in a message beside the payload bytes of its frames.
constexpr std::size_t kMessageSlackBytes = std::size_t{64} << 10;

std::chrono::milliseconds Millis(Duration span) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(span);
}

Error Unavailable(const asio::error_code& error) {
  if (error == asio::error::eof) {
    return Error(ErrorCode::kUnavailable, "the peer closed the connection");
  }
  return Error(ErrorCode::kUnavailable, error.message());
}

void SetTcpOption(tcp::socket& socket, int name, int value) {
  // Best effort: without it the connection works all the same.
  (void)setsockopt(socket.native_handle(), IPPROTO_TCP, name, &value, sizeof(value));
}

}  // namespace

PeerConnection::PeerConnection(asio::io_context& io, const TransportOptions& options,
                               const Clock& clock, PeerConnectionHandler& handler)
    : io_(io),
      options_(options),
      clock_(clock),
      handler_(handler),
      resolver_(io),
      socket_(io),
      tick_(io) {}

void PeerConnection::Dial(std::string address) {
  asio::post(io_,
             [self = shared_from_this(), address = std::move(address)] { self->Resolve(address); });
}

void PeerConnection::Adopt(tcp::socket socket) {
  socket_ = std::move(socket);
  Begin();
}

void PeerConnection::Resolve(const std::string& address) {
  if (why_broken_) return EndReading(*why_broken_);
  is_dialing_ = true;
  const HostPort parts = SplitHostPort(address);
  resolver_.async_resolve(
      parts.host, std::to_string(parts.port),
      [self = shared_from_this()](const asio::error_code& error,
                                  const tcp::resolver::results_type& endpoints) {
        if (!error && !self->why_broken_) return self->Connect(endpoints);
        self->EndReading(Error(ErrorCode::kUnavailable,
                               fmt::format("cannot look up the name: {}", error.message())));
      });
}

void PeerConnection::Connect(const tcp::resolver::results_type& endpoints) {
  asio::async_connect(
      socket_, endpoints,
      [self = shared_from_this()](const asio::error_code& error, const tcp::endpoint&) {
        if (error || self->why_broken_) return self->EndReading(Unavailable(error));
        self->is_dialing_ = false;
        self->Begin();
      });
}

void PeerConnection::Begin() {
  asio::error_code ignored;
  socket_.non_blocking(true, ignored);
  SetTcpOption(socket_, TCP_NODELAY, 1);
  // For a peer whose machine is gone while we write: a stopped process is noticed by its silence.
  SetTcpOption(
      socket_, TCP_USER_TIMEOUT,
      static_cast<int>(Millis(options_.keepalive_interval + options_.keepalive_timeout).count()));
  ScheduleTick();
  handler_.OnConnected();
  AwaitBytes();
}

void PeerConnection::AwaitBytes() {
  MakeRoom();
  is_reading_ = true;
  heard_at_ = clock_.Now();
  socket_.async_read_some(
      asio::buffer(input_.data() + input_end_, input_.size() - input_end_),
      [self = shared_from_this()](const asio::error_code& error, std::size_t count) {
        self->OnBytes(error, count);
      });
}

void PeerConnection::MakeRoom() {
  const std::size_t here = input_end_ - input_begin_;
  std::size_t wanted = kBufferBytesKept;
  if (here >= kLengthBytes) {
    const std::size_t length = ReadBigEndian32(std::string_view(input_).substr(input_begin_));
    wanted = std::max(wanted, kLengthBytes + length);
  }
  if (here > 0 && input_begin_ > 0) {
    std::memmove(input_.data(), input_.data() + input_begin_, here);
  }
  input_begin_ = 0;
  input_end_ = here;
  if (input_.size() < wanted || (input_.size() > kBufferBytesKept && wanted == kBufferBytesKept)) {
    input_.resize(wanted);
    input_.shrink_to_fit();
  }
}

void PeerConnection::OnBytes(const asio::error_code& error, std::size_t count) {
  is_reading_ = false;
  if (error) return EndReading(Unavailable(error));
  input_end_ += count;
  ReadOn();
}

void PeerConnection::ReadOn() {
  while (input_end_ - input_begin_ >= kLengthBytes) {
    const std::string_view input(input_.data() + input_begin_, input_end_ - input_begin_);
    const std::size_t length = ReadBigEndian32(input);
    const std::size_t length_max = options_.frame_bytes_max + kMessageSlackBytes;
    if (length > length_max) {
      return EndReading(Error(ErrorCode::kCorruption,
                              fmt::format("a message of {} bytes where {} are allowed: not the "
                                          "protocol that nodes speak",
                                          length, length_max)));
    }
    if (input.size() - kLengthBytes < length) break;
    input_begin_ += kLengthBytes + length;
    if (length == 0) continue;
    v1::PeerMessage message;
    if (!message.ParseFromArray(input.data() + kLengthBytes, static_cast<int>(length))) {
      return EndReading(Error(ErrorCode::kCorruption, "bytes that are no message"));
    }
    if (!handler_.OnMessage(message)) return;
  }
  AwaitBytes();
}

void PeerConnection::EndReading(Error why) {
  if (std::exchange(has_read_end_, true)) return;
  handler_.OnReadEnd(why_broken_ ? *why_broken_ : why);
}

void PeerConnection::ResumeReading() {
  asio::post(io_, [self = shared_from_this()] {
    if (!self->has_read_end_ && !self->is_done_) self->ReadOn();
  });
}

bool PeerConnection::Write(const v1::PeerMessage& message) {
  output_.assign(kLengthBytes, '\0');
  message.AppendToString(&output_);
  WriteBigEndian32(static_cast<std::uint32_t>(output_.size() - kLengthBytes), output_.data());
  has_written_.store(true, std::memory_order_relaxed);
  // Straight from this thread: the transport's need not wake up for what the kernel takes at once.
  const ssize_t sent =
      send(socket_.native_handle(), output_.data(), output_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(output_.size())) {
    ReleaseLargeOutput();
    return true;
  }
  const bool is_broken = sent < 0 && errno != EAGAIN && errno != EINTR;
  const std::size_t done = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
  asio::post(io_, [self = shared_from_this(), is_broken, done] {
    if (is_broken) return self->handler_.OnWriteDone(false);
    self->WriteRest(done);
  });
  return false;
}

void PeerConnection::WriteRest(std::size_t sent) {
  asio::async_write(socket_, asio::buffer(output_.data() + sent, output_.size() - sent),
                    [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                      self->ReleaseLargeOutput();
                      self->handler_.OnWriteDone(!error);
                    });
}

void PeerConnection::ReleaseLargeOutput() {
  if (output_.capacity() > kBufferBytesKept) output_ = std::string();
}

void PeerConnection::Cancel(Error why) {
  asio::post(io_, [self = shared_from_this(), why = std::move(why)]() mutable {
    self->Break(std::move(why));
  });
}

void PeerConnection::Break(Error why) {
  if (is_done_ || why_broken_) return;
  why_broken_ = std::move(why);
  asio::error_code ignored;
  if (is_dialing_) {
    resolver_.cancel();
    socket_.close(ignored);
  } else if (socket_.is_open()) {
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    if (!is_reading_) EndReading(*why_broken_);
  }
}

void PeerConnection::ScheduleTick() {
  tick_.expires_after(options_.keepalive_interval);
  tick_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
    const auto self = weak.lock();
    if (self && !cancelled && !self->is_done_) self->Tick();
  });
}

void PeerConnection::Tick() {
  const Duration silence_max = options_.keepalive_interval + options_.keepalive_timeout;
  asio::error_code ignored;
  if (is_reading_ && clock_.Now() - heard_at_ > silence_max && socket_.available(ignored) == 0) {
    return Break(Error(ErrorCode::kUnavailable,
                       fmt::format("nothing was heard for {}", Millis(silence_max))));
  }
  if (!has_written_.exchange(false, std::memory_order_relaxed)) handler_.OnIdle();
  ScheduleTick();
}

void PeerConnection::Finish() {
  asio::post(io_, [self = shared_from_this()] { self->Close(); });
}

void PeerConnection::Close() {
  is_done_ = true;
  tick_.cancel();
  asio::error_code ignored;
  if (socket_.is_open()) {
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    // What the peer has sent already must be read, or closing resets the connection before the
    // peer has seen our last words.
    std::array<char, 4096> scrap;
    socket_.read_some(asio::buffer(scrap), ignored);
    socket_.close(ignored);
  }
  handler_.OnDone();
}

}  // namespace seshat
