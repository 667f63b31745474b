// The one thread of a transport that waits for sockets: every reaction of a connection runs on it.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <thread>

namespace seshat {

// Runs from construction on. Threads: context() is immutable; Stop once, not from a reaction.
class IoThread {
 public:
  IoThread();
  // Stops.
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  asio::io_context& context() { return context_; }
  // Waits until every operation that is under way has ended. Idempotent.
  void Stop();

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace seshat
