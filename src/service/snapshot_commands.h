// BGSAVE, LASTSAVE and the snapshots' part of INFO: this node's own snapshots, in the words of
// Redis's RDB files. Nothing here goes through a log.
// Source: Redis 7.0.15, rdb.c, and genRedisInfoString.
#pragma once

#include <cstdint>

#include "service_context.h"
#include "seshat/resp/reply.h"

namespace seshat {

struct SnapshotPicture {
  std::uint64_t entries_since_last = 0;  // applied by the data groups
  bool is_taking = false;
  std::int64_t last_kept_at_s = 0;  // Unix time; that of the start when there is none
  bool has_last_failed = false;
  std::int64_t last_took_s = -1;   // -1: none has ended since the start
  std::int64_t taking_for_s = -1;  // -1: none is being taken
  std::uint64_t taken = 0;         // since start
};

SnapshotPicture TakeSnapshotPicture(const ServiceContext& context);

// With SCHEDULE too: as in Redis that makes a difference only where something else is in the way,
// which does not happen here. Pre: the arguments are right.
Reply ExecuteBgSave(ServiceContext& context);

Reply ExecuteLastSave(const ServiceContext& context);

}  // namespace seshat
