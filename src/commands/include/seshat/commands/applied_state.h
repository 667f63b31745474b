// How far a group's state machine has come: the row `applied`, written in the same batch as the
// data it describes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// Threads: a value type; owned by its user.
struct AppliedState {
  LogIndex index = {};
  Term term = {};
  UnixMillis clock = {};   // the group clock: the highest stamp applied
  Revision revision = {};  // commands applied so far
  std::uint64_t key_count = 0;
  std::uint64_t keyspace_generation = 0;  // FLUSHALLs applied so far
  // Of the data rows (row_digest.h). Empty: written before digests were kept.
  std::optional<std::uint64_t> digest = 0;

  bool operator==(const AppliedState&) const = default;
};

std::string EncodeAppliedState(const AppliedState& state);

// Errors: kCorruption; kFailedPrecondition when a newer version of Seshat wrote it.
Result<AppliedState> DecodeAppliedState(std::string_view bytes);

// What `group` holds; a group that has applied nothing gives the default state. May block.
// Errors: those of StateStore::Get and of DecodeAppliedState.
Result<AppliedState> ReadAppliedState(const StateStore& store, GroupId group);
// The same of a view.
Result<AppliedState> ReadAppliedState(const StateView& view);

}  // namespace seshat
