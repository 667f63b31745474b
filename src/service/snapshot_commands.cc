#include "snapshot_commands.h"

#include <chrono>

namespace seshat {
namespace {

std::int64_t WholeSeconds(Duration span) {
  return std::chrono::duration_cast<std::chrono::seconds>(span).count();
}

Reply NoSnapshots() {
  return Reply::Error("ERR this node takes no snapshots");
}

}  // namespace

SnapshotPicture TakeSnapshotPicture(const ServiceContext& context) {
  SnapshotPicture picture;
  for (const auto& [group, replica] : context.router.Replicas()) {
    picture.entries_since_last += replica.group->GetStatus().entries_since_snapshot;
  }
  picture.last_kept_at_s = context.started_at_wall.value / 1000;
  if (context.ports.snapshots == nullptr) return picture;
  const SnapshotKeeperStatus status = context.ports.snapshots->status();
  picture.is_taking = status.is_taking;
  picture.has_last_failed = status.has_last_failed;
  picture.taken = status.taken;
  if (status.last_kept_at.value != 0) picture.last_kept_at_s = status.last_kept_at.value / 1000;
  if (status.last_took) picture.last_took_s = WholeSeconds(*status.last_took);
  if (status.is_taking) {
    picture.taking_for_s = WholeSeconds(context.ports.clock->Now() - status.taking_since);
  }
  return picture;
}

Reply ExecuteBgSave(ServiceContext& context) {
  if (context.ports.snapshots == nullptr) return NoSnapshots();
  // What becomes of it is in the log and in INFO.
  if (!context.ports.snapshots->TakeNow([](const Status&) {})) {
    return Reply::Error("ERR Background save already in progress");
  }
  return Reply::Simple("Background saving started");
}

Reply ExecuteLastSave(const ServiceContext& context) {
  if (context.ports.snapshots == nullptr) return NoSnapshots();
  return Reply::Integer(TakeSnapshotPicture(context).last_kept_at_s);
}

}  // namespace seshat
