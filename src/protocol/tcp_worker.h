// One I/O thread and the sessions that live on it. Private to the TCP server.
#pragma once

#include <asio/ip/tcp.hpp>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "client_metrics.h"
#include "seshat/ports/clock.h"
#include "seshat/protocol/io_executor.h"
#include "seshat/protocol/tcp_server.h"
#include "seshat/resp/connection.h"
#include "seshat/resp/request_parser.h"

namespace seshat {

class TcpSession;

// What all threads of one server share.
// Threads: thread-safe; immutable but for the counter.
struct TcpServerContext {
  TcpServerContext(TcpServerOptions with_options, RequestHandlerFactory& with_factory,
                   const Clock& with_clock, Metrics& with_metrics)
      : options(std::move(with_options)),
        factory(with_factory),
        clock(with_clock),
        metrics(with_metrics, options.node_id) {}

  const TcpServerOptions options;
  RequestHandlerFactory& factory;
  const Clock& clock;
  ClientMetrics metrics;
  // Sockets accepted and not yet closed, those on their way to a thread included.
  std::atomic<std::size_t> connections{0};
};

// Threads: owned by its executor, but for the constructor, executor() and Stop().
class TcpWorker {
 public:
  TcpWorker(const std::string& thread_name, TcpServerContext& context);

  IoExecutor& executor() { return executor_; }
  TcpServerContext& context() { return context_; }
  RequestBatch& batch() { return batch_; }

  // Takes over a socket that was counted in TcpServerContext::connections.
  void Adopt(asio::ip::tcp::socket socket);

  // `session` has something to do at the end of this turn.
  void Touch(std::shared_ptr<TcpSession> session) { touched_.push_back(std::move(session)); }
  // Lets every touched session write, read on or close. Each entry from the event loop ends so.
  void EndTurn();
  // Called by a session that has closed.
  void Remove(const std::shared_ptr<TcpSession>& session);

  // Takes no more requests; sessions close once they owe nothing.
  void Drain();
  // Lets draining sessions look again whether they still owe something.
  void Look();
  void CloseAll();
  // Joins the thread. Sessions must have been closed.
  void Stop() { executor_.Stop(); }

 private:
  void ScheduleTick();
  void Tick();

  TcpServerContext& context_;
  bool draining_ = false;
  RequestBatch batch_;  // one for all sessions: they parse one after another
  std::unordered_set<std::shared_ptr<TcpSession>> sessions_;
  std::vector<std::shared_ptr<TcpSession>> touched_;
  IoExecutor executor_;  // last: its thread uses the members above
};

}  // namespace seshat
