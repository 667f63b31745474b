// Ports for tests, on one thread and simulated time: an executor that runs when told to, a log
// in memory, a transport that keeps what is called until a test answers it.
//
// They fail only where a test asks for it; nothing is ever lost or reordered.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "seshat/ports/clock.h"
#include "seshat/ports/executor.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/log_store.h"
#include "seshat/ports/metrics.h"
#include "seshat/ports/transport.h"

namespace seshat {

// Simulated time and the tasks that wait for it.
// Threads: owned by the test.
class TestLoop final : public Executor, public Clock {
 public:
  void Post(UniqueFunction<void()> task) override {
    ++posts_;
    ready_.push_back(std::move(task));
  }
  void PostAt(MonotonicTime when, UniqueFunction<void()> task) override {
    timers_.emplace(std::pair(when, ++last_timer_), std::move(task));
  }
  MonotonicTime Now() const override { return now_; }
  UnixMillis WallNow() const override {
    return {1'700'000'000'000 + now_.since_boot.count() / 1'000'000};
  }

  // Runs what is ready, and what that makes ready.
  void Run();
  // Lets time pass, running timers when they are due.
  void Advance(Duration span);
  std::size_t posts() const { return posts_; }

 private:
  MonotonicTime now_{std::chrono::seconds(1000)};
  std::deque<UniqueFunction<void()>> ready_;
  std::map<std::pair<MonotonicTime, std::uint64_t>, UniqueFunction<void()>> timers_;
  std::uint64_t last_timer_ = 0;
  std::size_t posts_ = 0;
};

// Threads: owned by the test. `on_durable` runs on `loop`.
class MemoryLogStore final : public LogStore {
 public:
  explicit MemoryLogStore(Executor& loop) : loop_(loop) {}

  std::vector<GroupId> Groups() const override;
  Status CreateGroup(GroupId group, std::string snapshot_row) override;
  Result<LogContents> Load(GroupId group) override;
  Result<std::vector<LogRecord>> Read(GroupId group, LogIndex first, LogIndex end,
                                      std::size_t bytes_max) override;
  void Write(LogWrite write, UniqueFunction<void()> on_durable) override;
  void RemoveCompacted(GroupId group) override;

 private:
  struct Group {
    std::optional<std::string> state_row;
    std::string snapshot_row;
    LogIndex first_index{1};
    std::map<LogIndex, std::string> records;
  };
  Executor& loop_;
  std::map<GroupId, Group> groups_;
};

// Threads: owned by the test.
class TestTransport final : public Transport {
 public:
  struct PendingCall {
    NodeId to;
    CallKind kind = CallKind::kForward;
    std::string request;
    UniqueFunction<void(Result<std::string>)> done;
  };
  void Send(NodeId, Channel, std::string) override {}
  void Call(NodeId to, CallKind kind, std::string request, MonotonicTime,
            UniqueFunction<void(Result<std::string>)> done) override {
    calls.push_back({to, kind, std::move(request), std::move(done)});
  }
  // The oldest call that nobody has answered.
  PendingCall TakeCall();

  std::deque<PendingCall> calls;
};

// Threads: owned by the test.
class TestMetrics final : public Metrics {
 public:
  Counter& GetCounter(const std::string& name, const std::string& help,
                      const MetricLabels& labels) override;
  Gauge& GetGauge(const std::string& name, const std::string& help,
                  const MetricLabels& labels) override;
  Histogram& GetHistogram(const std::string& name, const std::string& help,
                          const MetricLabels& labels, const std::vector<double>& bounds) override;

  // "name{label=value,...}" to what was counted, set, or how often it was observed.
  std::map<std::string, double> values;

 private:
  struct Cell;
  Cell& CellOf(const std::string& name, const MetricLabels& labels);
  std::map<std::string, std::shared_ptr<Cell>> cells_;
};

// Threads: owned by the test.
class RecordedFatal final : public FatalHandler {
 public:
  void StopNode(const Error& why) override { stopped = why; }
  std::optional<Error> stopped;
};

}  // namespace seshat
