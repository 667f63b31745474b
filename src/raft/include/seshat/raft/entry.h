// Log entries and the state that must survive a restart, as the core sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/raft/configuration.h"

namespace seshat {

enum class EntryType : std::uint8_t { kNormal, kConfig, kNoop };

// Immutable bytes shared by the log writer, the senders and the applier. Null means empty.
using Payload = std::shared_ptr<const std::string>;

struct Entry {
  Term term;
  LogIndex index;
  EntryType type = EntryType::kNormal;
  FeatureLevel feature_level = kFeatureLevelMin;
  Payload data;
  // Config entries: what `data` decodes to, set by whoever decoded the entry from wire or disk. The
  // core knows no encoding; an appended config entry without it is malformed and dropped.
  std::shared_ptr<const Configuration> configuration;

  // What the entry counts against byte limits.
  std::size_t SizeBytes() const { return kOverheadBytes + (data ? data->size() : 0); }
  static constexpr std::size_t kOverheadBytes = 32;
};

// Source: Raft paper, figure 2, "Persistent state".
struct HardState {
  Term term;
  NodeId vote;      // kNoNode: none in this term
  LogIndex commit;  // a hint: may lag what was committed
  // The longest vote promise that may still bind this node (read rule 7).
  Duration promise{0};

  bool operator==(const HardState&) const = default;
};

// The log's prefix that a snapshot stands for. Index 0: never compacted.
struct SnapshotDescriptor {
  LogIndex index;
  Term term;
  Configuration configuration;
  // Of the applied state after it (StateFacts), for whoever receives it to compare; the core only
  // passes them on. 0 where only the log is described.
  std::uint64_t key_count = 0;
  std::uint64_t digest = 0;
  std::uint64_t size_bytes = 0;

  bool operator==(const SnapshotDescriptor&) const = default;
};

// `term` holds from `first` up to the next run.
struct TermRun {
  LogIndex first;
  Term term;
};

}  // namespace seshat
