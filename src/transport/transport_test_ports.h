// The ports under a transport in tests: real time, and doubles that remember.
#pragma once

#include <time.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "seshat/base/mutex.h"
#include "seshat/base/random.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/rng.h"
#include "seshat/ports/transport.h"
#include "seshat/transport/handshake_policy.h"

namespace seshat {

// True as soon as `condition` is; false after 20 s.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Threads: thread-safe.
class BootClock final : public Clock {
 public:
  MonotonicTime Now() const override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return {std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)};
  }
  UnixMillis WallNow() const override { return {}; }
};

// Threads: thread-safe.
class SeededRng final : public Rng {
 public:
  std::uint64_t Next() override {
    MutexLock lock(mutex_);
    return random_.Next();
  }

 private:
  Mutex mutex_;
  Random random_ SESHAT_GUARDED_BY(mutex_) = Random(1);
};

// Threads: thread-safe.
class RecordedMetrics final : public Metrics {
 public:
  Counter& GetCounter(const std::string& name, const std::string&,
                      const MetricLabels& labels) override {
    return At(name, labels);
  }
  Gauge& GetGauge(const std::string& name, const std::string&,
                  const MetricLabels& labels) override {
    return At(name, labels);
  }
  Histogram& GetHistogram(const std::string& name, const std::string&, const MetricLabels& labels,
                          const std::vector<double>&) override {
    return At(name, labels);
  }

  // Over all labels.
  double Sum(const std::string& name) {
    return Sum(name, [](const MetricLabels&) { return true; });
  }
  // Over all peers.
  double SumOfChannel(const std::string& name, const std::string& channel) {
    return Sum(name, [&](const MetricLabels& labels) {
      return std::ranges::any_of(labels, [&](const auto& label) {
        return label.first == "channel" && label.second == channel;
      });
    });
  }

 private:
  struct Value final : Counter, Gauge, Histogram {
    void Increment(double by) override { total += by; }
    void Set(double value) override { total = value; }
    void Add(double by) override { total += by; }
    void Observe(double) override { total += 1; }
    std::atomic<double> total = 0;
  };
  double Sum(const std::string& name, const std::function<bool(const MetricLabels&)>& wanted) {
    MutexLock lock(mutex_);
    double sum = 0;
    for (const auto& [key, value] : values_) {
      if (key.first == name && wanted(key.second)) sum += value->total.load();
    }
    return sum;
  }
  Value& At(const std::string& name, const MetricLabels& labels) {
    MutexLock lock(mutex_);
    std::unique_ptr<Value>& value = values_[{name, labels}];
    if (!value) value = std::make_unique<Value>();
    return *value;
  }

  Mutex mutex_;
  std::map<std::pair<std::string, MetricLabels>, std::unique_ptr<Value>> values_
      SESHAT_GUARDED_BY(mutex_);
};

struct ReceivedMessage {
  NodeId from;
  Channel channel = Channel::kControl;
  std::string payload;
  bool operator==(const ReceivedMessage&) const = default;
};

// Remembers messages; answers calls with "re:" and the request, or as `on_call` says.
// Threads: thread-safe; `on_call` is set before the transport starts.
class RecordingHandler final : public PeerHandler {
 public:
  using Reply = UniqueFunction<void(std::string)>;

  void OnMessage(NodeId from, Channel channel, std::string payload) override {
    MutexLock lock(mutex_);
    messages_.push_back({.from = from, .channel = channel, .payload = std::move(payload)});
  }
  void OnCall(NodeId from, CallKind kind, std::string request, Reply reply) override {
    if (on_call) return on_call(from, kind, std::move(request), std::move(reply));
    reply("re:" + request);
  }

  std::vector<ReceivedMessage> messages() {
    MutexLock lock(mutex_);
    return messages_;
  }
  std::size_t count() {
    MutexLock lock(mutex_);
    return messages_.size();
  }

  std::function<void(NodeId, CallKind, std::string, Reply)> on_call;

 private:
  Mutex mutex_;
  std::vector<ReceivedMessage> messages_ SESHAT_GUARDED_BY(mutex_);
};

// Admits everyone, or refuses with `refusal`.
// Threads: thread-safe.
class SwitchPolicy final : public HandshakePolicy {
 public:
  Status Admit(const PeerHello& peer) override {
    MutexLock lock(mutex_);
    seen_.push_back(peer);
    return refused_store_ == peer.identity.store_id ? Status(std::unexpected(refusal_)) : Status();
  }
  void RefuseStore(std::string store_id, Error refusal) {
    MutexLock lock(mutex_);
    refused_store_ = std::move(store_id);
    refusal_ = std::move(refusal);
  }
  std::vector<PeerHello> seen() {
    MutexLock lock(mutex_);
    return seen_;
  }

 private:
  Mutex mutex_;
  std::vector<PeerHello> seen_ SESHAT_GUARDED_BY(mutex_);
  std::string refused_store_ SESHAT_GUARDED_BY(mutex_);
  Error refusal_ SESHAT_GUARDED_BY(mutex_){ErrorCode::kUnavailable, ""};
};

}  // namespace seshat
