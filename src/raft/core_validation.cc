// Checks of what a Core is made from: its options and what the disk holds.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "seshat/raft/core.h"

namespace seshat {
namespace {

std::unexpected<Error> BadOption(std::string_view field, std::string_view value,
                                 std::string_view allowed) {
  return MakeError(ErrorCode::kInvalidArgument,
                   fmt::format("{} is {}, must be {}", field, value, allowed));
}

std::string Milliseconds(Duration span) {
  return fmt::format("{} ms", std::chrono::duration<double, std::milli>(span).count());
}

std::unexpected<Error> Contradiction(std::string message) {
  return MakeError(ErrorCode::kCorruption, "stored raft state: " + std::move(message));
}

Status ValidateTerms(const RestoredState& restored) {
  LogIndex first = restored.snapshot.index.Next();
  Term term = restored.snapshot.term;
  for (const TermRun& run : restored.terms) {
    const bool is_first = &run == restored.terms.data();
    if (is_first ? run.first != first : run.first <= first) {
      return Contradiction(fmt::format("a term run starts at {}", run.first.value()));
    }
    if (is_first ? run.term < term : run.term <= term) {
      return Contradiction(fmt::format("term {} follows term {} at entry {}", run.term.value(),
                                       term.value(), run.first.value()));
    }
    first = run.first;
    term = run.term;
  }
  const bool is_empty = restored.last_index == restored.snapshot.index;
  if (restored.terms.empty() != is_empty || (!is_empty && first > restored.last_index)) {
    return Contradiction("the terms do not cover the log");
  }
  if (term > restored.hard_state.term) {
    return Contradiction(fmt::format("the log holds term {}, the state only term {}", term.value(),
                                     restored.hard_state.term.value()));
  }
  return {};
}

}  // namespace

Status ValidateCoreOptions(const CoreOptions& options) {
  const auto positive = [](std::string_view field, std::size_t value) -> Status {
    if (value == 0) return BadOption(field, "0", "at least 1");
    return {};
  };
  if (options.id == kNoNode) return BadOption("node id", "0", "at least 1");
  if (options.heartbeat_interval <= Duration::zero()) {
    return BadOption("heartbeat_interval", Milliseconds(options.heartbeat_interval), "positive");
  }
  if (options.election_timeout_min < 2 * options.heartbeat_interval) {
    return BadOption("election_timeout_min", Milliseconds(options.election_timeout_min),
                     "at least twice heartbeat_interval");
  }
  if (options.election_timeout_max <= options.election_timeout_min) {
    return BadOption("election_timeout_max", Milliseconds(options.election_timeout_max),
                     "above election_timeout_min");
  }
  if (options.stickiness <= Duration::zero() || options.stickiness > options.election_timeout_min) {
    return BadOption("stickiness", Milliseconds(options.stickiness),
                     "positive and at most election_timeout_min");
  }
  for (const Status& status : {positive("append_bytes_max", options.append_bytes_max),
                               positive("inflight_messages_max", options.inflight_messages_max),
                               positive("inflight_bytes_max", options.inflight_bytes_max),
                               positive("uncommitted_bytes_max", options.uncommitted_bytes_max),
                               positive("pending_reads_max", options.pending_reads_max)}) {
    if (!status) return status;
  }
  return {};
}

Status ValidateRestoredState(const RestoredState& restored) {
  if (restored.last_index < restored.snapshot.index) {
    return Contradiction("the log ends before its snapshot");
  }
  if (restored.applied < restored.snapshot.index) {
    return Contradiction(fmt::format("the log begins after entry {}, but only {} is applied",
                                     restored.snapshot.index.value(), restored.applied.value()));
  }
  if (restored.applied > restored.last_index) {
    return Contradiction(fmt::format("entry {} is applied, but the log ends at {}",
                                     restored.applied.value(), restored.last_index.value()));
  }
  if (restored.hard_state.promise < Duration::zero()) return Contradiction("a negative promise");
  LogIndex previous = restored.snapshot.index;
  for (const auto& [index, configuration] : restored.configurations) {
    if (index <= previous || index > restored.last_index || configuration.voters.empty()) {
      return Contradiction(fmt::format("the configuration of entry {}", index.value()));
    }
    previous = index;
  }
  return ValidateTerms(restored);
}

}  // namespace seshat
