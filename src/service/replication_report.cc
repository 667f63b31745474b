#include "replication_report.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "seshat/base/host_port.h"

namespace seshat {
namespace {

std::int64_t SecondsBetween(MonotonicTime from, MonotonicTime to) {
  return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

}  // namespace

ReplicationPicture TakeReplicationPicture(ServiceContext& context) {
  ReplicationPicture picture;
  const std::shared_ptr<const RoutingTable> table = context.router.Table();
  const ShardRoute* const route = table->FindGroup(kFirstDataGroup);
  if (route == nullptr || route->replica.group == nullptr) return picture;
  const GroupStatus status = route->replica.group->GetStatus();
  picture.offset = status.applied_index.value();
  const MonotonicTime now = context.ports.clock->Now();
  for (const FollowerStatus& follower : status.core.followers) {
    const ClusterMember* const member = table->state().FindMember(follower.id);
    if (member == nullptr || !follower.recently_active) continue;
    HostPort address = SplitHostPort(member->client_address);
    const bool is_online = follower.state != FollowerStatus::State::kSnapshot;
    picture.replicas.push_back({.host = std::move(address.host),
                                .port = address.port,
                                .state = is_online ? "online" : "send_bulk",
                                // What is not committed yet counts for nobody.
                                .offset = std::min(picture.offset, follower.match.value()),
                                .lag_seconds = SecondsBetween(follower.last_contact, now)});
  }
  return picture;
}

Reply ExecuteRole(ServiceContext& context) {
  const ReplicationPicture picture = TakeReplicationPicture(context);
  std::vector<Reply> replicas;
  for (const ReplicaPicture& replica : picture.replicas) {
    if (replica.state != "online") continue;  // as Redis has it
    replicas.push_back(
        Reply::Array({Reply::Bulk(replica.host), Reply::Bulk(std::to_string(replica.port)),
                      Reply::Bulk(std::to_string(replica.offset))}));
  }
  return Reply::Array({Reply::Bulk("master"),
                       Reply::Integer(static_cast<std::int64_t>(picture.offset)),
                       Reply::Array(std::move(replicas))});
}

}  // namespace seshat
