// KeyGroup: the operations on keys that must be checked together, made ready for the search.
//
// Keys that one MGET, MSET or DEL touches belong together; groups do not touch each other, so a
// history is linearizable exactly if that of each group is (Herlihy, Wing 1990, theorem 1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "key_model.h"
#include "linearizability.h"

namespace seshat {

// An operation as the search sees it.
struct GroupOperation {
  const ClientOperation* source = nullptr;
  KeyCommand command;                // values that nobody ever saw are replaced by fillers
  std::vector<std::uint8_t> places;  // of the command's keys in KeyState
  std::uint8_t keys = 0;             // the same as a set: bit i is place i
  std::uint8_t unseen = 0;           // keys to which it writes what makes no difference to anyone
  std::size_t sort = 0;              // equal for operations with equal `command`
  bool is_unknown = false;
  bool has_changed_nothing = false;
  std::vector<KeyEvidence> evidence = {};

  const Reply* reply() const { return is_unknown ? nullptr : &source->reply; }
};

// A call or a return.
struct GroupMoment {
  SimTime when{0};
  bool is_return = false;
  std::size_t operation = 0;
};

struct KeyGroup {
  std::vector<GroupOperation> operations;  // but reads of unknown outcome
  std::vector<GroupMoment> moments;        // in order; at equal times calls come first
};

// Pre: as for CheckLinearizability, whose `operations` must outlive the result.
std::vector<KeyGroup> GroupByKeys(std::span<const ClientOperation> operations);

}  // namespace seshat
