#include "tcp_worker.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tcp_session.h"

namespace seshat {

TcpWorker::TcpWorker(const std::string& thread_name, TcpServerContext& context)
    : context_(context), executor_(thread_name, context.clock) {
  executor_.SetTurnEnd([this] { EndTurn(); });
  executor_.Post([this] { ScheduleTick(); });
}

void TcpWorker::Adopt(asio::ip::tcp::socket socket) {
  auto session = std::make_shared<TcpSession>(std::move(socket), *this);
  sessions_.insert(session);
  session->Start();
  if (draining_) session->Drain();
}

void TcpWorker::EndTurn() {
  // By index: a session's end of turn may touch others, or itself again.
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    const std::shared_ptr<TcpSession> session = std::move(touched_[i]);
    session->EndTurn();
  }
  touched_.clear();
}

void TcpWorker::Remove(const std::shared_ptr<TcpSession>& session) {
  sessions_.erase(session);
  context_.connections.fetch_sub(1);
  context_.metrics.connections.Add(-1);
}

void TcpWorker::Drain() {
  draining_ = true;
  for (const auto& session : sessions_) session->Drain();
}

void TcpWorker::Look() {
  for (const auto& session : sessions_) session->Touch();
}

void TcpWorker::CloseAll() {
  for (const auto& session : sessions_) session->Abort();
}

void TcpWorker::ScheduleTick() {
  using std::chrono::milliseconds;
  const TcpServerOptions& options = context_.options;
  Duration period = std::min<Duration>(options.output_soft_duration / 4, milliseconds(1000));
  if (options.idle_timeout > Duration(0)) period = std::min(period, options.idle_timeout / 4);
  period = std::max<Duration>(period, milliseconds(10));
  executor_.PostAt(context_.clock.Now() + period, [this] { Tick(); });
}

void TcpWorker::Tick() {
  const MonotonicTime now = context_.clock.Now();
  for (const auto& session : sessions_) session->Tick(now);
  ScheduleTick();
}

}  // namespace seshat
