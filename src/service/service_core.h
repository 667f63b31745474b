// ServiceCore: what stands behind the facade. Tests use it to give groups of their own making.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "forward_receiver.h"
#include "io_lane.h"
#include "service_context.h"
#include "seshat/base/mutex.h"
#include "seshat/service/service.h"

namespace seshat {

// Threads: thread-safe.
class ServiceCore {
 public:
  ServiceCore(const ServiceOptions& options, const ServicePorts& ports);
  ~ServiceCore();
  ServiceCore(const ServiceCore&) = delete;
  ServiceCore& operator=(const ServiceCore&) = delete;

  // As Service::AddDataGroup.
  void AddGroup(GroupId id, std::shared_ptr<ShardGroup> group, std::shared_ptr<DataGroupInfo> info);
  std::unique_ptr<RequestHandler> Accept(const PeerAddress& peer, ReplySink& sink,
                                         Executor& executor, std::string& refusal);
  // Null: this node has no system group yet.
  std::shared_ptr<ShardGroup> SystemGroup() const;
  // As Service::ProposeSystemCommand. `group`: as SystemGroup gives it.
  void ProposeSystem(std::shared_ptr<ShardGroup> group, std::string command,
                     UniqueFunction<void(Result<Reply>)> done);
  void StopAccepting();
  bool IsIdle() const;

  ServiceContext& context() { return *context_; }
  ForwardReceiver& forwards() { return *forwards_; }

 private:
  std::shared_ptr<IoLane> LaneOf(Executor& executor) SESHAT_EXCLUDES(mutex_);

  const std::shared_ptr<ServiceContext> context_;
  const std::shared_ptr<ForwardReceiver> forwards_;

  Mutex mutex_;
  std::map<Executor*, std::shared_ptr<IoLane>> lanes_ SESHAT_GUARDED_BY(mutex_);
};

}  // namespace seshat
