#include "scheduler.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace seshat {
namespace {

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  return (hash ^ value) * 0x9e3779b97f4a7c15u ^ (hash >> 29);
}

}  // namespace

SimScheduler::SimScheduler(std::uint64_t seed, bool prints_trace)
    : random_(seed), prints_trace_(prints_trace), trace_hash_(seed) {}

bool SimScheduler::IsLater(const Event& a, const Event& b) {
  return std::pair(a.when, a.number) > std::pair(b.when, b.number);
}

void SimScheduler::At(SimTime when, UniqueFunction<void()> task) {
  events_.push_back({std::max(when, now_), next_number_++, std::move(task)});
  std::push_heap(events_.begin(), events_.end(), IsLater);
}

Duration SimScheduler::Between(Duration low, Duration high) {
  const auto span = static_cast<std::uint64_t>((high - low).count());
  return low + Duration(static_cast<std::int64_t>(random_.Below(span + 1)));
}

void SimScheduler::RunUntil(SimTime until) {
  while (!is_halted_ && !events_.empty() && events_.front().when <= until) {
    std::pop_heap(events_.begin(), events_.end(), IsLater);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.when;
    ++events_run_;
    event.task();
  }
  if (!is_halted_) now_ = std::max(now_, until);
}

void SimScheduler::Note(std::string_view what, NodeId node, std::uint64_t a, std::uint64_t b) {
  for (const char c : what) trace_hash_ = Mix(trace_hash_, static_cast<unsigned char>(c));
  for (const std::uint64_t value : {static_cast<std::uint64_t>(now_.count()), node.value(), a, b}) {
    trace_hash_ = Mix(trace_hash_, value);
  }
  if (!prints_trace_) return;
  fmt::print("{:>12.6f} node {} {} {} {}\n", static_cast<double>(now_.count()) / 1e9, node.value(),
             what, a, b);
}

void SimScheduler::Clear() {
  // What is dropped may schedule more.
  while (!events_.empty()) std::exchange(events_, {}).clear();
}

}  // namespace seshat
