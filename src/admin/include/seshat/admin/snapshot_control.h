// Where the admin endpoint has a snapshot taken, and what came of it. The node implements it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// One node's answer to a request for a snapshot of what it holds.
struct SnapshotAnswer {
  enum class Outcome {
    kDone,     // it is on the disk, for good
    kRefused,  // nothing was done: one is being taken already
    kFailed,   // there is none, or none yet
  };
  Outcome outcome = Outcome::kFailed;
  NodeId node;  // who answers
  // kDone:
  std::string name;
  std::uint64_t size_bytes = 0;
  std::uint64_t took_ms = 0;
  std::string problem;  // in words; empty exactly when done

  bool operator==(const SnapshotAnswer&) const = default;
};

// Threads: thread-safe; called on admin threads.
class SnapshotControl {
 public:
  virtual ~SnapshotControl() = default;

  // Takes a snapshot on this node and waits until it is kept or has failed: for seconds, for
  // minutes when there is much to write; not for ever. Lets one caller wait at a time.
  virtual SnapshotAnswer Create() = 0;
};

// The body of the answer to POST /snapshot; its fields are documented in docs/operating.md.
std::string ToJson(const SnapshotAnswer& answer);

// Errors: kInvalidArgument when `json` is not such an answer; the message says where.
Result<SnapshotAnswer> ParseSnapshotAnswer(std::string_view json);

}  // namespace seshat
