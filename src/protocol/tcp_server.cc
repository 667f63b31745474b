#include "seshat/protocol/tcp_server.h"

#include <fmt/format.h>

#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "seshat/base/check.h"
#include "tcp_listener.h"
#include "tcp_worker.h"

namespace seshat {
namespace {

constexpr auto kDrainLook = std::chrono::milliseconds(5);

Status Validate(const TcpServerOptions& options) {
  const auto invalid = [](std::string message) {
    return MakeError(ErrorCode::kInvalidArgument, std::move(message));
  };
  if (options.listen.empty()) return invalid("listen: at least one address is needed");
  if (options.io_threads == 0) return invalid("io_threads: at least 1 is needed");
  if (options.connections_max == 0) return invalid("connections_max: at least 1 is needed");
  if (options.output_soft_bytes > options.output_hard_bytes) {
    return invalid(fmt::format("output_soft_bytes ({}) must not exceed output_hard_bytes ({})",
                               options.output_soft_bytes, options.output_hard_bytes));
  }
  return {};
}

}  // namespace

class TcpServer::Impl {
 public:
  Impl(TcpServerOptions options, RequestHandlerFactory& factory, const Clock& clock,
       Metrics& metrics)
      : context_(std::move(options), factory, clock, metrics) {}

  Status Start() {
    SESHAT_CHECK(workers_.empty());
    if (Status valid = Validate(context_.options); !valid) return valid;
    std::vector<TcpWorker*> workers;
    for (std::size_t i = 0; i < context_.options.io_threads; ++i) {
      workers_.push_back(std::make_unique<TcpWorker>(fmt::format("io-{}", i), context_));
      workers.push_back(workers_.back().get());
    }
    for (const std::string& address : context_.options.listen) {
      auto listener = std::make_unique<TcpListener>(context_, workers);
      Result<std::string> bound = listener->Open(address);
      if (!bound) {
        listener.reset();
        Stop(Duration(0));
        return std::unexpected(std::move(bound).error());
      }
      listeners_.push_back(std::move(listener));
      bound_addresses_.push_back(std::move(*bound));
    }
    workers_.front()->executor().Post([this] {
      for (const auto& listener : listeners_) listener->Start();
    });
    return {};
  }

  void Stop(Duration drain) {
    if (std::exchange(stopped_, true) || workers_.empty()) return;
    // In this order nothing is accepted once the workers have been told to drain.
    RunOn(*workers_.front(), [this](TcpWorker&) {
      for (const auto& listener : listeners_) listener->Stop();
    });
    for (const auto& worker : workers_) RunOn(*worker, [](TcpWorker& w) { w.Drain(); });
    const MonotonicTime deadline = context_.clock.Now() + drain;
    while (context_.connections.load() > 0 && context_.clock.Now() < deadline) {
      std::this_thread::sleep_for(kDrainLook);
      for (const auto& worker : workers_) RunOn(*worker, [](TcpWorker& w) { w.Look(); });
    }
    for (const auto& worker : workers_) RunOn(*worker, [](TcpWorker& w) { w.CloseAll(); });
    for (const auto& worker : workers_) worker->Stop();
    listeners_.clear();
  }

  const std::vector<std::string>& bound_addresses() const { return bound_addresses_; }

 private:
  // Runs `task` on the worker's thread and waits for it.
  template <typename Task>
  static void RunOn(TcpWorker& worker, Task task) {
    std::promise<void> done;
    std::future<void> finished = done.get_future();
    worker.executor().Post([&worker, task, done = std::move(done)]() mutable {
      task(worker);
      done.set_value();
    });
    finished.wait();
  }

  TcpServerContext context_;
  std::vector<std::unique_ptr<TcpWorker>> workers_;
  std::vector<std::unique_ptr<TcpListener>> listeners_;  // after the workers, whose loops they use
  std::vector<std::string> bound_addresses_;
  bool stopped_ = false;
};

TcpServer::TcpServer(TcpServerOptions options, RequestHandlerFactory& factory, const Clock& clock,
                     Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), factory, clock, metrics)) {}

TcpServer::~TcpServer() {
  impl_->Stop(Duration(0));
}

Status TcpServer::Start() {
  return impl_->Start();
}

void TcpServer::Stop(Duration drain) {
  impl_->Stop(drain);
}

const std::vector<std::string>& TcpServer::bound_addresses() const {
  return impl_->bound_addresses();
}

}  // namespace seshat
