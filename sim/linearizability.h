// Linearizability of what clients saw of string keys, many commands, some outcomes unknown.
//
// An operation takes effect at one moment between its call and its return (Herlihy, Wing 1990). One
// of unknown outcome took effect at one moment after its call, however late, or never.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "key_model.h"
#include "scheduler.h"

namespace seshat {

struct ClientOperation {
  KeyCommand command = {};
  SimTime called{0};
  std::optional<SimTime> returned = {};  // empty: the outcome is unknown, for ever
  Reply reply = {};                      // of operations that returned, as a RESP3 client has it
  std::string where = {};                // for people: the client, the node, the way of reading
};

struct LinearizabilityOptions {
  // Ways in which things may have gone that are looked at in one step. A bound on time and memory;
  // honest histories of some dozens of clients stay far below it.
  std::size_t possibilities_max = 200'000;
};

enum class LinearizabilityVerdict {
  kLinearizable,
  kAnomaly,    // no order of events explains what the clients saw
  kUndecided,  // `possibilities_max` was reached: says nothing about the history
};

struct LinearizabilityReport {
  LinearizabilityVerdict verdict = LinearizabilityVerdict::kLinearizable;
  // For people, when not linearizable. Of an anomaly: its keys, and the few operations that cannot
  // be ordered whatever went before them and whatever all others did, one a line.
  std::string explanation;
};

// Keys begin as not existing. Operations reported as not applied must be left out, and so must
// replies that say that nothing was executed.
// Pre: returned >= called; a command has its keys and values; at most kGroupKeysMax keys hang
//      together by commands on several of them; at most 64 operations that returned are under way
//      at once on such keys.
// Threads: thread-safe.
// Source: Wing and Gong, "Testing and Verifying Concurrent Objects" (1993); Lowe, "Testing for
//         linearizability" (2017), for linearizing just in time.
LinearizabilityReport CheckLinearizability(std::span<const ClientOperation> operations,
                                           const LinearizabilityOptions& options = {});

}  // namespace seshat
