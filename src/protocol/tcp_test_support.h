// What the tests of the TCP server need: a clock, metrics to look at, a blocking client, a handler
// with a few commands. Not part of the library.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/metrics.h"
#include "seshat/resp/connection.h"
#include "seshat/resp/reply_encoder.h"

namespace seshat {

inline constexpr auto kTestDeadline = std::chrono::seconds(20);

// Polls until `condition` holds; false when it did not within the deadline.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kTestDeadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class BootClock final : public Clock {
 public:
  MonotonicTime Now() const override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
  }
  UnixMillis WallNow() const override { return {}; }
};

// Keeps the last value of everything by name.
// Threads: guarded by mutex_.
class RecordedMetrics final : public Metrics {
 public:
  double Value(const std::string& name) {
    const MutexLock lock(mutex_);
    const auto found = cells_.find(name);
    return found == cells_.end() ? 0 : found->second->Get();
  }

  Counter& GetCounter(const std::string& name, const std::string&, const MetricLabels&) override {
    return GetCell(name);
  }
  Gauge& GetGauge(const std::string& name, const std::string&, const MetricLabels&) override {
    return GetCell(name);
  }
  Histogram& GetHistogram(const std::string& name, const std::string&, const MetricLabels&,
                          const std::vector<double>&) override {
    return GetCell(name);
  }

 private:
  class Cell final : public Counter, public Gauge, public Histogram {
   public:
    void Increment(double by) override { Add(by); }
    void Observe(double value) override { Add(value); }
    void Set(double value) override {
      const MutexLock lock(mutex_);
      value_ = value;
    }
    void Add(double by) override {
      const MutexLock lock(mutex_);
      value_ += by;
    }
    double Get() {
      const MutexLock lock(mutex_);
      return value_;
    }

   private:
    Mutex mutex_;
    double value_ SESHAT_GUARDED_BY(mutex_) = 0;
  };

  Cell& GetCell(const std::string& name) {
    const MutexLock lock(mutex_);
    std::unique_ptr<Cell>& cell = cells_[name];
    if (!cell) cell = std::make_unique<Cell>();
    return *cell;
  }

  Mutex mutex_;
  std::map<std::string, std::unique_ptr<Cell>> cells_ SESHAT_GUARDED_BY(mutex_);
};

// A blocking client; every call gives up after the test deadline.
// Threads: owned by its test.
class TestClient {
 public:
  explicit TestClient(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    const bool v6 = address.starts_with('[');
    const auto port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    socket_ = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    const timeval timeout{kTestDeadline.count(), 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    sockaddr_in6 to6{};
    to6.sin6_family = AF_INET6;
    to6.sin6_port = port;
    to6.sin6_addr = in6addr_loopback;
    sockaddr_in to4{};
    to4.sin_family = AF_INET;
    to4.sin_port = port;
    to4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* to =
        v6 ? reinterpret_cast<const sockaddr*>(&to6) : reinterpret_cast<const sockaddr*>(&to4);
    connected_ = ::connect(socket_, to, v6 ? sizeof(to6) : sizeof(to4)) == 0;
  }
  ~TestClient() {
    if (socket_ >= 0) ::close(socket_);
  }
  TestClient(TestClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  TestClient& operator=(TestClient&&) = delete;

  bool connected() const { return connected_; }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Exactly `bytes`, less if the connection ends before.
  std::string Receive(std::size_t bytes) {
    std::string received(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got = ::recv(socket_, received.data() + have, bytes - have, 0);
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    received.resize(have);
    return received;
  }

  // Everything until the server closes; nullopt when it resets or does not close in time.
  std::optional<std::string> ReceiveAll() {
    std::string received;
    char chunk[65536];
    for (;;) {
      const ssize_t got = ::recv(socket_, chunk, sizeof(chunk), 0);
      if (got < 0) return std::nullopt;
      if (got == 0) return received;
      received.append(chunk, static_cast<std::size_t>(got));
    }
  }

  bool HasInput() {
    pollfd poll{socket_, POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0;
  }
  void EndSending() { ::shutdown(socket_, SHUT_WR); }
  // Closes with a reset instead of an orderly end.
  void Reset() {
    const linger now{1, 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    ::close(std::exchange(socket_, -1));
  }

 private:
  int socket_ = -1;
  bool connected_ = false;
};

class TestHandlerFactory;

// PING, ECHO text, FILL n (a bulk of n bytes), HOLD (answered when the test says so), AUTH, QUIT.
// Threads: owned by the connection's executor.
class TestHandler final : public RequestHandler {
 public:
  TestHandler(TestHandlerFactory& factory, ReplySink& sink, Executor& executor)
      : factory_(factory), sink_(sink), executor_(executor) {}

  void OnRequests(std::span<const Arguments> requests) override;
  void OnProtocolError(std::string_view error) override;
  void OnClosed() override;
  bool WantsMore() const override;
  std::size_t RequestBytesMax() const override { return 64 * 1024 * 1024; }
  bool NeedsAuthentication() const override { return needs_authentication_; }
  std::size_t InFlight() const override { return held_; }

  // Answers what is held. On the executor.
  void Release();
  Executor& executor() { return executor_; }

 private:
  friend class TestHandlerFactory;
  void OnRequest(const Arguments& arguments);

  TestHandlerFactory& factory_;
  ReplySink& sink_;
  Executor& executor_;
  std::size_t held_ = 0;
  bool needs_authentication_ = false;
};

// Threads: guarded by mutex_, but for the options, which are set before the server starts.
class TestHandlerFactory final : public RequestHandlerFactory {
 public:
  std::size_t held_max = 1000;  // a handler with so many held wants no more
  bool needs_authentication = false;
  std::string refuse_with;  // not empty: nobody is let in

  std::unique_ptr<RequestHandler> Accept(const PeerAddress& peer, ReplySink& sink,
                                         Executor& executor, std::string& refusal) override {
    const MutexLock lock(mutex_);
    last_peer_ = peer;
    if (!refuse_with.empty()) {
      refusal = refuse_with;
      return nullptr;
    }
    auto handler = std::make_unique<TestHandler>(*this, sink, executor);
    handler->needs_authentication_ = needs_authentication;
    handlers_[handler.get()] = &executor;
    ++accepted_;
    return handler;
  }

  // Answers everything held on every connection.
  void ReleaseAll() {
    std::map<TestHandler*, Executor*> handlers;
    {
      const MutexLock lock(mutex_);
      handlers = handlers_;
    }
    for (const auto& [handler, executor] : handlers) {
      executor->Post([this, one = handler] {
        if (IsAlive(one)) one->Release();
      });
    }
  }

  bool IsAlive(TestHandler* handler) {
    const MutexLock lock(mutex_);
    return handlers_.contains(handler);
  }
  void Forget(TestHandler* handler) {
    const MutexLock lock(mutex_);
    handlers_.erase(handler);
  }
  std::size_t open() {
    const MutexLock lock(mutex_);
    return handlers_.size();
  }
  std::size_t accepted() {
    const MutexLock lock(mutex_);
    return accepted_;
  }
  PeerAddress last_peer() {
    const MutexLock lock(mutex_);
    return last_peer_;
  }
  void CountHeld() {
    const MutexLock lock(mutex_);
    ++held_;
  }
  std::size_t held() {
    const MutexLock lock(mutex_);
    return held_;
  }

 private:
  Mutex mutex_;
  std::map<TestHandler*, Executor*> handlers_ SESHAT_GUARDED_BY(mutex_);
  std::size_t accepted_ SESHAT_GUARDED_BY(mutex_) = 0;
  std::size_t held_ SESHAT_GUARDED_BY(mutex_) = 0;
  PeerAddress last_peer_ SESHAT_GUARDED_BY(mutex_);
};

inline void TestHandler::OnRequests(std::span<const Arguments> requests) {
  for (const Arguments& arguments : requests) OnRequest(arguments);
}

inline void TestHandler::OnRequest(const Arguments& arguments) {
  std::string reply;
  if (arguments[0] == "PING") {
    EncodeSimpleString("PONG", reply);
  } else if (arguments[0] == "ECHO" && arguments.size() == 2) {
    EncodeBulk(arguments[1], reply);
  } else if (arguments[0] == "FILL" && arguments.size() == 2) {
    EncodeBulk(std::string(std::stoul(std::string(arguments[1])), 'x'), reply);
  } else if (arguments[0] == "HOLD") {
    ++held_;
    factory_.CountHeld();
    return;
  } else if (arguments[0] == "AUTH") {
    needs_authentication_ = false;
    EncodeOk(reply);
  } else if (arguments[0] == "QUIT") {
    EncodeOk(reply);
    sink_.Send(std::move(reply));
    return sink_.CloseAfterFlush();
  } else {
    EncodeError("ERR unknown command", reply);
  }
  sink_.Send(std::move(reply));
}

inline void TestHandler::OnProtocolError(std::string_view error) {
  std::string reply;
  EncodeError(error, reply);
  sink_.Send(std::move(reply));
  sink_.CloseAfterFlush();
}

inline void TestHandler::OnClosed() {
  factory_.Forget(this);
}

inline bool TestHandler::WantsMore() const {
  return held_ < factory_.held_max;
}

inline void TestHandler::Release() {
  for (; held_ > 0; --held_) sink_.Send(":1\r\n");
  sink_.ResumeReading();
}

}  // namespace seshat
