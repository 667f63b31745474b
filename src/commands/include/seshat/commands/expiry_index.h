// Reading the expiry index: which slots have keys due, and which keys these are.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/slot.h"
#include "seshat/base/time.h"
#include "seshat/ports/state_store.h"

namespace seshat {

struct SlotExpiry {
  Slot slot = {};
  UnixMillis earliest = {};

  bool operator==(const SlotExpiry&) const = default;
};

// For each slot that has volatile keys, when the first of them is due; ascending by slot. One seek
// for each such slot. May block.
// Errors: those of the view; kCorruption for a malformed row.
Result<std::vector<SlotExpiry>> EarliestExpiries(const StateView& view);

// ExpiringKey (data_command.h) that owns its key.
struct DueKey {
  std::string key = {};
  UnixMillis expires_at = {};
  Revision revision = {};

  bool operator==(const DueKey&) const = default;
};

struct DueKeys {
  std::vector<DueKey> keys = {};        // in order of expiry
  std::optional<UnixMillis> next = {};  // the slot's earliest expiry that is not in `keys`
};

// The keys of `slot` that are due at `now`, at most `keys_max`. May block.
// Errors: those of the view; kCorruption for a malformed row or an index row without its key.
Result<DueKeys> CollectDueKeys(const StateView& view, Slot slot, UnixMillis now,
                               std::size_t keys_max);

}  // namespace seshat
