// Personality: what a run is like, as its seed decides (swarm testing).
//
// If all runs had all faults in the same measure, none would have many of one kind, and what needs
// three rare things at once would never happen. So each run has its own: some faults often and some
// never, machines and wires that are fast or slow, small bounds or large ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "network.h"
#include "scheduler.h"

namespace seshat {

enum class Fault : std::uint8_t {
  kCrash,         // of one node or of all
  kCrashAtWrite,  // while the disk syncs
  kCrashAtCall,   // while it works for another node
  kAmbush,        // around an election: who voted, who won
  kUsurp,         // a leader is cut off, comes back, and then its successor dies
  kBlink,         // a process dies and is back within milliseconds
  kGracefulStop,
  kTransfer,  // a leader hands over
  kPause,
  kCutLinks,
  kTempt,        // a node loses the leader alone, and asks voters that have just restarted
  kCreepingCut,  // a node loses the others one after the other
  kDegradeNetwork,
  kSlowDisk,
  kFailSync,  // the node stops, and what was not synced may be lost
  kJumpClock,
  kSnapshot,       // one or all take a snapshot
  kChangeMembers,  // nodes join the group, leave it, gain a vote or lose it
  kHealNetwork,    // not quite a fault, but something that happens
};

// "crash", "slow-disk", ...
std::string_view ToString(Fault fault);
std::optional<Fault> ParseFault(std::string_view name);
// Those that a run may have, and may be spared.
std::span<const Fault> Faults();

struct Personality {
  Duration calm_max;          // between faults
  Duration down_max;          // of a node that crashed
  Duration sync_max;          // each disk's usual latency is drawn from up to this
  LinkQuality links;          // when nothing is wrong with them
  std::vector<Fault> faults;  // each as often as it is to happen
  std::uint64_t writes_permille = 0;
  bool lulls = false;  // now and then nobody writes for a while
  Duration patience;   // of clients
  // Reads are asked for at every node, all the time. Where nobody does that, a node that forgot to
  // wake up by itself sleeps on.
  bool audits_reads = false;
  // Of the nodes:
  std::size_t append_bytes_max = 0;
  std::size_t inflight_messages_max = 0;
  std::size_t cached_bytes_max = 0;
  Duration election_spread;  // by how much election timeouts differ at most
  bool leases = true;
  Duration stickiness_min;             // each start of a node draws its own, from here
  Duration stickiness_max;             // to here
  std::uint64_t snapshot_entries = 0;  // so many make one due
  Duration snapshot_interval;          // but not sooner than this
  std::uint64_t log_tail_bytes = 0;
  std::size_t snapshot_chunk_bytes = 0;
  std::uint64_t disk_full_one_in = 0;  // 0: never
  std::size_t spare_nodes = 0;         // that are no members at first
  bool drifts_at_bound = false;        // every clock runs as fast or as slow as is allowed
};

// `without`: these faults do not happen.
Personality DrawPersonality(SimScheduler& scheduler, std::span<const Fault> without);

}  // namespace seshat
