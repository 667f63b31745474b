#include "request_metrics.h"

#include <algorithm>
#include <cctype>
#include <chrono>

#include "seshat/commands/command_table.h"

namespace seshat {
namespace {

// Seconds: from a read out of memory to a request that waited for a new leader.
const std::vector<double>& LatencyBounds() {
  static const std::vector<double> bounds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                          0.005,   0.01,   0.025,   0.05,   0.1,   0.25,
                                          0.5,     1,      2.5,     5,      10,    30};
  return bounds;
}

std::string UpperCase(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return upper;
}

}  // namespace

RequestMetrics::RequestMetrics(Metrics& metrics, NodeId node)
    : in_flight_gauge_(metrics.GetGauge("requests_in_flight",
                                        "Requests taken from clients and not yet answered.",
                                        {{"node_id", std::to_string(node.value())}})) {
  const std::string node_id = std::to_string(node.value());
  const auto add = [&](const CommandSpec& spec) {
    std::unique_ptr<PerCommand>& command = by_id_[static_cast<std::size_t>(spec.id)];
    command = std::make_unique<PerCommand>();
    Resolve(metrics, node_id, spec.full_name, *command);
  };
  for (const CommandSpec* spec : AllCommands()) {
    add(*spec);
    for (const CommandSpec& subcommand : spec->Subcommands()) add(subcommand);
  }
  Resolve(metrics, node_id, "unknown", unknown_);
}

void RequestMetrics::Resolve(Metrics& metrics, const std::string& node, std::string_view name,
                             PerCommand& command) {
  const std::string label = UpperCase(name);
  const auto counter = [&](const char* status) -> Counter* {
    return &metrics.GetCounter("requests_total", "Requests answered.",
                               {{"node_id", node}, {"command", label}, {"status", status}});
  };
  command.name = name;
  command.ok = counter("ok");
  command.error = counter("error");
  command.seconds = &metrics.GetHistogram("request_duration_seconds",
                                          "From a request's arrival to its reply, in seconds.",
                                          {{"node_id", node}, {"command", label}}, LatencyBounds());
}

void RequestMetrics::Record(const CommandSpec* spec, bool is_error, Duration took) {
  PerCommand& command = spec == nullptr ? unknown_ : *by_id_[static_cast<std::size_t>(spec->id)];
  (is_error ? command.error : command.ok)->Increment();
  command.seconds->Observe(std::chrono::duration<double>(took).count());
  command.calls.fetch_add(1, std::memory_order_relaxed);
  command.nanoseconds.fetch_add(took.count(), std::memory_order_relaxed);
  total_.fetch_add(1, std::memory_order_relaxed);
  if (!is_error) return;
  command.failed.fetch_add(1, std::memory_order_relaxed);
  errors_.fetch_add(1, std::memory_order_relaxed);
}

void RequestMetrics::RecordError(std::string_view text) {
  const std::string_view prefix = text.substr(0, text.find(' '));
  MutexLock lock(mutex_);
  const auto it = by_error_.find(prefix);
  if (it != by_error_.end()) {
    ++it->second;
  } else if (by_error_.size() < kErrorPrefixesMax) {
    by_error_.emplace(prefix, 1);
  }
}

void RequestMetrics::AddInFlight(std::size_t requests) {
  in_flight_.fetch_add(requests, std::memory_order_relaxed);
  in_flight_gauge_.Add(static_cast<double>(requests));
}

void RequestMetrics::RemoveInFlight(std::size_t requests) {
  in_flight_.fetch_sub(requests, std::memory_order_relaxed);
  in_flight_gauge_.Add(-static_cast<double>(requests));
}

std::vector<CommandStats> RequestMetrics::ByCommand() const {
  std::vector<CommandStats> stats;
  for (const auto& command : by_id_) {
    if (command == nullptr || command->calls.load(std::memory_order_relaxed) == 0) continue;
    stats.push_back({.name = command->name,
                     .calls = command->calls.load(std::memory_order_relaxed),
                     .failed_calls = command->failed.load(std::memory_order_relaxed),
                     .total = Duration(command->nanoseconds.load(std::memory_order_relaxed))});
  }
  std::ranges::sort(stats, {}, &CommandStats::name);
  return stats;
}

std::vector<std::pair<std::string, std::uint64_t>> RequestMetrics::ByError() const {
  MutexLock lock(mutex_);
  return {by_error_.begin(), by_error_.end()};
}

}  // namespace seshat
