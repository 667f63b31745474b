// Keyspace: one group's keys while log entries are applied.
//
// An overlay over what is stored: it reads its own writes, keeps the expiry index, the key count,
// the group clock and the revision in step with them, and hands everything over as one batch. It
// reads nothing but the store and what it is given, so every replica that applies the same entries
// writes the same bytes, however the entries are split into batches.
// It does not know what commands mean (execution.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/slot.h"
#include "seshat/base/time.h"
#include "seshat/commands/applied_state.h"
#include "seshat/commands/stored_value.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// What a batch did to the expiry index: for whoever knows in memory when which slot has keys due.
struct ExpiryChange {
  enum class Kind { kAdded, kRemoved };
  Kind kind = Kind::kAdded;
  Slot slot = {};
  UnixMillis expires_at = {};

  bool operator==(const ExpiryChange&) const = default;
};

struct KeyspaceBatch {
  StateBatch writes = {};  // ops in ascending key order; `applied` is the last
  bool cleared = false;    // the whole index was dropped before `expiry_changes`
  std::vector<ExpiryChange> expiry_changes = {};
};

// Threads: owned by the group's applier. Lifetime: must not outlive its store.
class Keyspace {
 public:
  // One key's place. Lifetime: until the next Clear() or TakeBatch().
  class Row {
   public:
    // Null when there is no such key.
    const Value* value() const { return value_.has_value() ? &*value_ : nullptr; }

   private:
    friend class Keyspace;
    std::optional<Value> value_;
    bool stored_ = false;                      // the store has the data row
    std::uint64_t stored_hash_ = 0;            // of the stored data row; 0: none
    std::optional<UnixMillis> stored_expiry_;  // the store has this expiry row
    bool changed_ = false;
  };

  // `applied` is what the store holds (ReadAppliedState). Pre: it has a digest.
  Keyspace(const StateStore& store, GroupId group, AppliedState applied);

  // Starts an entry that the leader stamped with `stamp`. Returns the entry's time: the stamp, or
  // the group clock when that is ahead, for it never goes back.
  UnixMillis BeginEntry(UnixMillis stamp);

  // Starts a command, and counts it: the revision that its writes carry.
  Revision BeginCommand();

  // The place of `key`. A key that is due at `now` is removed first, by this command.
  // Errors: those of the store and of DecodeValue: the replica cannot go on and its node stops.
  Result<Row*> Find(std::string_view key, UnixMillis now);

  // Stores `value` at `row`, under the current revision.
  // Pre: value.expires_at, when set, is later than the entry's time.
  void Put(Row& row, Value value);
  // Changes only the expiry. Pre: row has a value; as for Put.
  void SetExpiry(Row& row, std::optional<UnixMillis> expires_at);
  // Pre: row has a value.
  void Erase(Row& row);

  // Removes every key at a cost that does not depend on their number.
  void Clear();

  // Everything since the last call, with the row `applied` saying that entries up to `index` are
  // in. The caller writes it to the store before the next Find.
  KeyspaceBatch TakeBatch(LogIndex index, Term term);

  const AppliedState& applied() const { return applied_; }
  // What rows loaded or stored since the last TakeBatch may hold in memory; never too little.
  std::size_t held_bytes() const { return held_bytes_; }
  // Keys that Find removed because they were due, since construction.
  std::uint64_t expired_on_access() const { return expired_on_access_; }

 private:
  struct RowKeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const {
      return std::hash<std::string_view>{}(key);
    }
  };
  using Rows = std::unordered_map<std::string, Row, RowKeyHash, std::equal_to<>>;

  Status LoadRow(std::string_view row_key, Row& row) const;

  const StateStore& store_;
  const GroupId group_;
  AppliedState applied_;
  Rows rows_;
  std::size_t held_bytes_ = 0;
  bool cleared_ = false;  // what is stored counts no more
  std::uint64_t expired_on_access_ = 0;
  std::string row_key_;  // scratch for Find
};

}  // namespace seshat
