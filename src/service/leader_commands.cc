#include "leader_commands.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "seshat/base/check.h"
#include "seshat/commands/integer_text.h"

namespace seshat {
namespace {

using Done = UniqueFunction<void(Result<Reply>)>;

std::int64_t IntegerOf(std::string_view text) {
  const std::optional<std::int64_t> number = ParseInteger(text);
  SESHAT_CHECK(number.has_value());
  return *number;
}

void CountHolders(ShardGroup& group, LogIndex index, std::size_t wanted, MonotonicTime until,
                  Done done) {
  group.WhenReplicated(index, wanted, until,
                       [done = std::move(done)](Result<std::size_t> holders) mutable {
                         if (!holders) return done(std::unexpected(holders.error()));
                         done(Reply::Integer(static_cast<std::int64_t>(*holders)));
                       });
}

// Everything that was acknowledged before the command came is below a read index, which a leader
// that was deposed without noticing does not get; the count is of those who hold it on disk.
void Wait(Arguments arguments, MonotonicTime until, const std::shared_ptr<ShardGroup>& group,
          Done done) {
  const auto wanted = static_cast<std::size_t>(std::max<std::int64_t>(0, IntegerOf(arguments[1])));
  ReadPermit permit;
  if (group->TryLeaseRead(permit)) {
    return CountHolders(*group, permit.applied, wanted, until, std::move(done));
  }
  group->RequestRead(
      [group, wanted, until, done = std::move(done)](Result<ReadPermit> granted) mutable {
        if (!granted) return done(std::unexpected(granted.error()));
        CountHolders(*group, granted->applied, wanted, until, std::move(done));
      });
}

void Failover(NodeId asker, const std::shared_ptr<ShardGroup>& group, Done done) {
  group->TransferLeadership(asker, [group, done = std::move(done)](const Status& status) mutable {
    if (status) return done(Reply::Ok());
    // It leads on, or another node does, who may be asked.
    if (group->IsLeader()) return done(Reply::Error("ERR " + status.error().message()));
    done(MakeError(ErrorCode::kUnavailable, status.error().message()));
  });
}

}  // namespace

Duration PatienceOf(const CommandSpec& spec, Arguments arguments, Duration request_timeout) {
  if (spec.id != CommandId::kWait) return request_timeout;
  const std::int64_t timeout_ms = IntegerOf(arguments[2]);
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(request_timeout).count();
  if (timeout_ms == 0 || timeout_ms >= limit) return request_timeout;
  return std::chrono::milliseconds(timeout_ms);
}

void ExecuteLeaderCommand(const CommandSpec& spec, Arguments arguments, NodeId asker,
                          MonotonicTime until, const std::shared_ptr<ShardGroup>& group,
                          Done done) {
  switch (spec.id) {
    case CommandId::kWait:
      return Wait(arguments, until, group, std::move(done));
    case CommandId::kClusterFailover:
      return Failover(asker, group, std::move(done));
    default:
      CheckFailed(__FILE__, __LINE__, "spec.kind == kLeader", spec.full_name);
  }
}

}  // namespace seshat
