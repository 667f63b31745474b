// RequestMetrics: how many requests there were, how they ended and how long they took.
//
// Everything is resolved by command once, at start: recording looks nothing up.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/mutex.h"
#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/ports/metrics.h"

namespace seshat {

// One command's share, for INFO's commandstats.
struct CommandStats {
  std::string_view name;
  std::uint64_t calls = 0;
  std::uint64_t failed_calls = 0;
  Duration total{0};
};

// Threads: thread-safe.
class RequestMetrics {
 public:
  RequestMetrics(Metrics& metrics, NodeId node);

  // A request was answered. Null: it named no command.
  void Record(const CommandSpec* spec, bool is_error, Duration took);
  // An error reply of these words left. Only for its first word, and only so many different ones.
  void RecordError(std::string_view text) SESHAT_EXCLUDES(mutex_);
  void AddInFlight(std::size_t requests);
  void RemoveInFlight(std::size_t requests);

  std::uint64_t total() const { return total_.load(std::memory_order_relaxed); }
  std::uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }
  std::size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::vector<CommandStats> ByCommand() const;  // those that were called, ascending by name
  std::vector<std::pair<std::string, std::uint64_t>> ByError() const SESHAT_EXCLUDES(mutex_);

 private:
  struct PerCommand {
    std::string_view name;
    Counter* ok = nullptr;
    Counter* error = nullptr;
    Histogram* seconds = nullptr;
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::int64_t> nanoseconds{0};
  };
  static constexpr std::size_t kIds = std::numeric_limits<std::uint8_t>::max() + 1;
  static constexpr std::size_t kErrorPrefixesMax = 64;

  void Resolve(Metrics& metrics, const std::string& node, std::string_view name,
               PerCommand& command);

  std::array<std::unique_ptr<PerCommand>, kIds> by_id_;  // null where there is no command
  PerCommand unknown_;
  Gauge& in_flight_gauge_;
  std::atomic<std::uint64_t> total_{0};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<std::size_t> in_flight_{0};

  mutable Mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> by_error_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
