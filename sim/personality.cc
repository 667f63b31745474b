#include "personality.h"

#include <algorithm>
#include <chrono>

namespace seshat {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Fault kFaults[] = {
    Fault::kCrash,    Fault::kCrashAtWrite,  Fault::kCrashAtCall,    Fault::kAmbush,
    Fault::kUsurp,    Fault::kBlink,         Fault::kGracefulStop,   Fault::kTransfer,
    Fault::kPause,    Fault::kCutLinks,      Fault::kDegradeNetwork, Fault::kSlowDisk,
    Fault::kFailSync, Fault::kJumpClock,     Fault::kTempt,          Fault::kCreepingCut,
    Fault::kSnapshot, Fault::kChangeMembers,
};

std::vector<Fault> DrawFaults(Random& random, std::span<const Fault> without) {
  std::vector<Fault> faults;
  for (const Fault fault : kFaults) {
    const std::uint64_t weight = random.Chance(1, 3) ? 0 : 1 + random.Below(4);
    if (std::ranges::find(without, fault) != without.end()) continue;
    faults.insert(faults.end(), weight, fault);
  }
  // Links that are cut for ever would hide everything else.
  faults.insert(faults.end(), 1 + faults.size() / 4, Fault::kHealNetwork);
  return faults;
}

// Each is usual in most runs, so that what is unusual comes alone, in pairs and in threes.
LinkQuality DrawLinks(SimScheduler& scheduler) {
  Random& random = scheduler.random();
  LinkQuality links;
  if (random.Chance(1, 4)) links.delay_high = milliseconds(1 << random.Below(7));
  if (random.Chance(1, 4)) {
    links.straggler_permille = 1 + random.Below(50);
    links.straggler_delay_max = scheduler.Between(milliseconds(50), seconds(3));
  }
  if (random.Chance(1, 6)) links.loss_percent = 1 + random.Below(5);
  links.reorders = random.Chance(1, 4);
  links.cut_loses_payloads = random.Chance(1, 2);
  return links;
}

// Logs that are cut soon, late or never; states that travel in one chunk or in many.
void DrawSnapshots(SimScheduler& scheduler, Personality& drawn) {
  Random& random = scheduler.random();
  constexpr std::uint64_t kEntries[] = {1, 20, 200, UINT64_MAX};
  drawn.snapshot_entries = kEntries[random.Below(std::size(kEntries))];
  drawn.snapshot_interval = scheduler.Between(milliseconds(50), seconds(3));
  drawn.log_tail_bytes = random.Chance(1, 2) ? 0 : 1 + random.Below(4096);
  drawn.snapshot_chunk_bytes = random.Chance(1, 2) ? 64 : 4096;
  drawn.disk_full_one_in = random.Chance(1, 4) ? 2 + random.Below(8) : 0;
}

}  // namespace

std::string_view ToString(Fault fault) {
  switch (fault) {
    case Fault::kCrash:
      return "crash";
    case Fault::kCrashAtWrite:
      return "crash-at-write";
    case Fault::kCrashAtCall:
      return "crash-at-call";
    case Fault::kAmbush:
      return "ambush";
    case Fault::kUsurp:
      return "usurp";
    case Fault::kBlink:
      return "blink";
    case Fault::kGracefulStop:
      return "graceful-stop";
    case Fault::kTransfer:
      return "transfer";
    case Fault::kPause:
      return "pause";
    case Fault::kCutLinks:
      return "cut-links";
    case Fault::kTempt:
      return "tempt";
    case Fault::kCreepingCut:
      return "creeping-cut";
    case Fault::kDegradeNetwork:
      return "degrade-network";
    case Fault::kSlowDisk:
      return "slow-disk";
    case Fault::kFailSync:
      return "fail-sync";
    case Fault::kJumpClock:
      return "jump-clock";
    case Fault::kSnapshot:
      return "snapshot";
    case Fault::kChangeMembers:
      return "change-members";
    case Fault::kHealNetwork:
      return "heal-network";
  }
  return "?";
}

std::optional<Fault> ParseFault(std::string_view name) {
  const auto* const at =
      std::ranges::find_if(kFaults, [&](Fault fault) { return ToString(fault) == name; });
  return at == std::end(kFaults) ? std::nullopt : std::optional(*at);
}

std::span<const Fault> Faults() {
  return kFaults;
}

Personality DrawPersonality(SimScheduler& scheduler, std::span<const Fault> without) {
  Random& random = scheduler.random();
  Personality drawn;
  drawn.calm_max = random.Chance(1, 3) ? scheduler.Between(milliseconds(400), seconds(1))
                                       : scheduler.Between(seconds(1), seconds(3));
  drawn.down_max = random.Chance(1, 3) ? scheduler.Between(milliseconds(2), milliseconds(100))
                                       : scheduler.Between(milliseconds(100), seconds(3));
  drawn.sync_max = random.Chance(3, 4) ? Duration(microseconds(400))
                                       : scheduler.Between(milliseconds(1), milliseconds(100));
  drawn.links = DrawLinks(scheduler);
  drawn.faults = DrawFaults(random, without);
  // Clients that gave up on most writes would know little for certain, and checking it takes long.
  drawn.patience = scheduler.Between(milliseconds(800), seconds(4));
  // Where writes are rare, who has long been cut off may still be elected.
  drawn.writes_permille = random.Chance(2, 3) ? 1000 : 10;
  drawn.lulls = random.Chance(1, 2);
  drawn.append_bytes_max = random.Chance(2, 3) ? 2048 : 64;  // some entries, or one
  drawn.inflight_messages_max = random.Chance(3, 4) ? 8 : 1;
  drawn.cached_bytes_max = random.Chance(2, 3) ? 8 << 10 : 1 << 10;
  // Where all wait equally long, several are candidates at once.
  drawn.election_spread = milliseconds(random.Chance(2, 3) ? 500 : 20);
  drawn.leases = !random.Chance(1, 5);
  const std::uint64_t loyalty = random.Below(4);
  drawn.stickiness_min = milliseconds(loyalty < 2 ? 500 : 5);
  drawn.stickiness_max = milliseconds(loyalty == 3 ? 50 : 500);
  DrawSnapshots(scheduler, drawn);
  drawn.audits_reads = random.Chance(3, 4);
  drawn.drifts_at_bound = random.Chance(1, 4);
  if (std::ranges::count(drawn.faults, Fault::kChangeMembers) > 0) {
    drawn.spare_nodes = random.Below(3);
  }
  return drawn;
}

}  // namespace seshat
