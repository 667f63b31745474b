// StateReports: what the replicas of each group say of their state at equal index, and who differs.
//
// The reports come through the system group's log, so every node hears the same. They are kept in
// memory only: what a restart forgets, the next round brings again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>

#include "seshat/base/ids.h"

namespace seshat {

struct StateReport {
  GroupId group = {};
  LogIndex index = {};
  NodeId node = {};
  std::uint64_t digest = 0;

  bool operator==(const StateReport&) const = default;
};

// What the reports about one index come to.
struct StateVerdict {
  enum class Kind {
    kEqual,       // every replica has reported the same
    kOdd,         // `node` has not what a majority of the replicas have
    kNoMajority,  // every replica has reported, and no majority agrees
  };
  Kind kind = Kind::kEqual;
  GroupId group = {};
  LogIndex index = {};
  NodeId node = {};

  bool operator==(const StateVerdict&) const = default;
};

// Threads: owned by the system group's apply executor.
class StateReports {
 public:
  // Told each verdict once. Must not block.
  using Listener = std::function<void(const StateVerdict&)>;

  explicit StateReports(Listener listener) : listener_(std::move(listener)) {}

  // `replicas`: the group's. Reports of others, and of an older index than the newest, are ignored.
  void Add(const StateReport& report, std::span<const NodeId> replicas);

 private:
  struct Round {
    LogIndex index = {};
    std::map<NodeId, std::uint64_t> digests;
    std::set<NodeId> told;  // kNoNode: of the verdict about all
  };

  const Listener listener_;
  std::map<GroupId, Round> rounds_;
};

}  // namespace seshat
