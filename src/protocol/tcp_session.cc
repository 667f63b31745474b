#include "tcp_session.h"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "seshat/resp/reply_encoder.h"
#include "tcp_worker.h"

namespace seshat {
namespace {

// Requests handed over at a time: between two batches the handler is asked whether it wants more
// and the output is weighed, so that one read full of GETs of large values does not break the
// limit.
constexpr std::size_t kBatchRequestsMax = 128;
// Read in one turn from one client, so that a busy one leaves time for the others.
constexpr std::size_t kTurnBytesMax = 64 * 1024;
constexpr std::size_t kReadBytesMax = 1024 * 1024;
// Pieces of one gathering write; Asio passes on no more.
constexpr std::size_t kWritePartsMax = 64;
constexpr std::size_t kDiscardBytesMax = 256 * 1024;

std::string Describe(const asio::ip::tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
}

}  // namespace

TcpSession::TcpSession(asio::ip::tcp::socket socket, TcpWorker& worker)
    : worker_(worker),
      context_(worker.context()),
      socket_(std::move(socket)),
      last_read_(context_.clock.Now()) {}

void TcpSession::Start() {
  Touch();
  asio::error_code error;
  const auto remote = socket_.remote_endpoint(error);
  if (error) return Abort();  // gone already
  const auto local = socket_.local_endpoint(error);
  const PeerAddress peer{Describe(remote), Describe(local), remote.address().is_loopback()};
  std::string refusal;
  handler_ = context_.factory.Accept(peer, *this, worker_.executor(), refusal);
  if (handler_) return WaitReadable();
  context_.metrics.rejected.Increment();
  std::string line;
  EncodeError(refusal, line);
  Send(std::move(line));
  CloseAfterFlush();
}

void TcpSession::Send(std::string bytes) {
  if (closed_ || aborted_ || close_after_flush_) return;
  output_.Push(std::move(bytes));
  if (output_.bytes() > context_.options.output_hard_bytes) {
    context_.metrics.output_limit_closed.Increment();
    aborted_ = true;
  }
  NoteOutputSize();
  Touch();
}

void TcpSession::CloseAfterFlush() {
  close_after_flush_ = true;
  NoteOutputSize();
  Touch();
}

void TcpSession::ResumeReading() {
  Touch();
}

void TcpSession::Drain() {
  draining_ = true;
  Touch();
}

void TcpSession::Abort() {
  aborted_ = true;
  Touch();
}

void TcpSession::Touch() {
  if (closed_ || std::exchange(touched_, true)) return;
  worker_.Touch(shared_from_this());
}

void TcpSession::EndTurn() {
  touched_ = false;
  if (closed_) return;
  if (has_unparsed_ && MayTakeRequests()) HandleInput();
  if (!aborted_ && !waits_writable_ && !output_.empty()) Write();
  if (aborted_ || IsDone()) return Close();
  // Parsing may have stopped for output that has now been written.
  if (has_unparsed_ && MayTakeRequests()) return Touch();
  if (!has_unparsed_ && MayTakeRequests()) WaitReadable();
}

void TcpSession::Tick(MonotonicTime now) {
  const TcpServerOptions& options = context_.options;
  if (over_soft_since_ && now - *over_soft_since_ > options.output_soft_duration) {
    context_.metrics.output_limit_closed.Increment();
    return Abort();
  }
  const bool idle = handler_ && handler_->InFlight() == 0 && output_.empty();
  if (options.idle_timeout > Duration(0) && idle && now - last_read_ > options.idle_timeout) {
    return Abort();
  }
  // A request may end without a reply, so what the client is still owed is looked at anew.
  if (input_ended_ || draining_) Touch();
}

void TcpSession::WaitReadable() {
  if (waits_readable_ || input_ended_) return;
  waits_readable_ = true;
  input_.Trim();
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const asio::error_code&) { self->OnReadable(); });
}

void TcpSession::OnReadable() {
  waits_readable_ = false;
  if (closed_) return;
  Touch();
  if (MayTakeRequests()) {
    Read();
    if (!aborted_) HandleInput();
  }
  worker_.EndTurn();
}

void TcpSession::Read() {
  std::size_t total = 0;
  for (;;) {
    std::span<char> space = input_.Space(missing_);
    space = space.first(std::min(space.size(), kReadBytesMax));
    asio::error_code error;
    const std::size_t got = socket_.read_some(asio::buffer(space.data(), space.size()), error);
    if (error == asio::error::would_block || error == asio::error::interrupted) break;
    if (error == asio::error::eof) {
      input_ended_ = true;
      break;
    }
    if (error) {
      aborted_ = true;
      break;
    }
    input_.Commit(got);
    total += got;
    missing_ -= std::min(missing_, got);
    if (got < space.size() || total >= kTurnBytesMax) break;
  }
  if (total == 0) return;
  context_.metrics.bytes_in.Increment(static_cast<double>(total));
  last_read_ = context_.clock.Now();
}

// Hands over every complete request, for as long as the handler takes them.
void TcpSession::HandleInput() {
  RequestBatch& batch = worker_.batch();
  has_unparsed_ = true;
  while (MayTakeRequests()) {
    const RequestLimits limits = Limits();
    const std::size_t requests_max = limits.unauthenticated ? 1 : kBatchRequestsMax;
    batch.Clear();
    const ParseProgress progress = parser_.Parse(input_.unread(), limits, requests_max, batch);
    missing_ = progress.missing;
    const bool more = batch.size() == requests_max;
    if (batch.size() > 0) handler_->OnRequests(batch.requests());
    batch.Clear();
    input_.Consume(progress.consumed);
    if (!progress.error.empty()) {
      context_.metrics.protocol_errors.Increment();
      malformed_ = true;
      has_unparsed_ = false;
      handler_->OnProtocolError(progress.error);
      return;
    }
    if (!more) {
      has_unparsed_ = false;
      return;
    }
  }
}

bool TcpSession::MayTakeRequests() const {
  const bool open = !aborted_ && !close_after_flush_ && !malformed_ && !draining_;
  return open && handler_ && output_.bytes() <= context_.options.output_soft_bytes &&
         handler_->WantsMore();
}

RequestLimits TcpSession::Limits() const {
  RequestLimits limits;
  limits.request_bytes_max =
      std::min(context_.options.request_bytes_max, handler_->RequestBytesMax());
  limits.unauthenticated = handler_->NeedsAuthentication();
  return limits;
}

// Writes once; what does not fit into the socket waits until the client has taken some of it.
void TcpSession::Write() {
  std::array<std::string_view, kWritePartsMax> parts;
  std::array<asio::const_buffer, kWritePartsMax> buffers;
  const std::size_t count = output_.Gather(parts);
  for (std::size_t i = 0; i < count; ++i) {
    buffers[i] = asio::const_buffer(parts[i].data(), parts[i].size());
  }
  asio::error_code error;
  const std::size_t written = socket_.write_some(std::span(buffers).first(count), error);
  if (error && error != asio::error::would_block && error != asio::error::interrupted) {
    aborted_ = true;
    return;
  }
  output_.Consume(written);
  context_.metrics.bytes_out.Increment(static_cast<double>(written));
  NoteOutputSize();
  if (output_.empty()) return;
  waits_writable_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write,
                     [self = shared_from_this()](const asio::error_code&) { self->OnWritable(); });
}

void TcpSession::OnWritable() {
  waits_writable_ = false;
  if (closed_) return;
  Touch();
  worker_.EndTurn();
}

void TcpSession::NoteOutputSize() {
  // A client that is to be closed has as long to take the rest as one that takes too little.
  if (output_.bytes() <= context_.options.output_soft_bytes && !close_after_flush_) {
    over_soft_since_.reset();
  } else if (!over_soft_since_) {
    over_soft_since_ = context_.clock.Now();
  }
}

// Nothing is owed to the client and nothing more will be taken from it.
bool TcpSession::IsDone() const {
  if (!output_.empty()) return false;
  if (close_after_flush_ || !handler_) return true;
  const bool takes_no_more = draining_ || (input_ended_ && !has_unparsed_);
  return takes_no_more && handler_->InFlight() == 0;
}

void TcpSession::Close() {
  const std::shared_ptr<TcpSession> self = shared_from_this();
  closed_ = true;
  asio::error_code ignored;
  if (output_.empty()) {
    // Closing with unread input would reset the connection, and the client might never see what
    // was written last.
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    DiscardInput();
  }
  socket_.close(ignored);
  if (handler_) handler_->OnClosed();
  handler_.reset();
  worker_.Remove(self);
}

void TcpSession::DiscardInput() {
  std::array<char, 16 * 1024> scrap;
  asio::error_code error;
  std::size_t total = 0;
  while (!error && total < kDiscardBytesMax) {
    total += socket_.read_some(asio::buffer(scrap), error);
  }
}

}  // namespace seshat
