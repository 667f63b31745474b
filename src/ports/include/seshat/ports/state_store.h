// The applied half of Raft groups: one ordered key-value family per group.
//
// Writes are atomic but not synced: the log is the redo log.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

enum class ReadTier {
  kMemory,    // never blocks on the disk; may answer kWouldBlock
  kAnywhere,  // may block
};

struct Lookup {
  enum class Outcome { kFound, kNotFound, kWouldBlock };
  Outcome outcome = Outcome::kNotFound;
  std::string value;  // kFound only
};

struct StateOp {
  std::string key;
  std::optional<std::string> value;  // empty: delete
};

struct StateBatch {
  // When set, everything but the keys that start with this prefix is dropped first, at a cost that
  // does not depend on the number of keys (a fresh generation of the family).
  std::optional<std::string> clear_all_but_prefix;
  std::vector<StateOp> ops;  // in order
};

// A consistent view of one group: later writes do not show in it.
// Threads: thread-safe. Lifetime: must not outlive its store.
class StateView {
 public:
  virtual ~StateView() = default;

  // Errors: kCorruption (the node is stopping).
  virtual Result<Lookup> Get(std::string_view key, ReadTier tier) const = 0;

  // Calls `visit` for each key in [first, end) in byte order until it returns false. May block.
  virtual Status Scan(
      std::string_view first, std::string_view end,
      const std::function<bool(std::string_view key, std::string_view value)>& visit) const = 0;
};

// Threads: thread-safe; writes to one group come from one thread at a time.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // The newest value. Errors: kNotFound for an unknown group; kCorruption.
  virtual Result<Lookup> Get(GroupId group, std::string_view key, ReadTier tier) const = 0;

  // Errors: kNotFound for an unknown group.
  virtual Result<std::unique_ptr<StateView>> View(GroupId group) const = 0;

  // Durability: none at return. A disk error does not return: the node stops.
  virtual void Write(GroupId group, StateBatch batch) = 0;
};

}  // namespace seshat
