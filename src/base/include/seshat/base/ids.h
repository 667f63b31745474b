// The identifiers that every layer speaks of (docs/glossary.md).
#pragma once

#include <cstdint>

#include "seshat/base/strong_id.h"

namespace seshat {

// A node, 1 and up; 0 means "none". Never reused within a cluster.
using NodeId = StrongId<struct NodeIdTag, std::uint64_t>;
inline constexpr NodeId kNoNode{};

// A Raft group. kSystemGroup holds cluster metadata, kFirstDataGroup the first shard's keys.
using GroupId = StrongId<struct GroupIdTag, std::uint64_t>;
inline constexpr GroupId kSystemGroup{0};
inline constexpr GroupId kFirstDataGroup{1};

// A Raft term, 0 before the first election.
using Term = StrongId<struct TermTag, std::uint64_t>;

// A position in a group's log, 1 and up; 0 stands before the first entry.
using LogIndex = StrongId<struct LogIndexTag, std::uint64_t>;

// A group's count of applied commands; each stored value carries the one that wrote it.
using Revision = StrongId<struct RevisionTag, std::uint64_t>;

// The cluster-wide format and behaviour level that log entries are written at. Source: ADR 0008.
using FeatureLevel = StrongId<struct FeatureLevelTag, std::uint32_t>;
inline constexpr FeatureLevel kFeatureLevelMin{1};
inline constexpr FeatureLevel kFeatureLevelMax{1};

}  // namespace seshat
