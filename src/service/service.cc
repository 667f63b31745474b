#include "seshat/service/service.h"

#include <utility>

#include "service_core.h"

namespace seshat {

Service::Service(const ServiceOptions& options, const ServicePorts& ports)
    : core_(std::make_unique<ServiceCore>(options, ports)) {}

Service::~Service() = default;

void Service::AddDataGroup(GroupId group, std::shared_ptr<GroupDriver> driver,
                           std::shared_ptr<DataGroupInfo> info) {
  core_->AddGroup(group, MakeShardGroup(std::move(driver)), std::move(info));
}

std::unique_ptr<RequestHandler> Service::Accept(const PeerAddress& peer, ReplySink& sink,
                                                Executor& executor, std::string& refusal) {
  return core_->Accept(peer, sink, executor, refusal);
}

void Service::OnCall(NodeId from, std::string request, UniqueFunction<void(std::string)> reply) {
  core_->forwards().OnCall(from, std::move(request), std::move(reply));
}

void Service::ProposeSystemCommand(std::string command, UniqueFunction<void(Result<Reply>)> done) {
  core_->ProposeSystem(core_->SystemGroup(), std::move(command), std::move(done));
}

void Service::StopAccepting() {
  core_->StopAccepting();
}

bool Service::IsIdle() const {
  return core_->IsIdle();
}

}  // namespace seshat
