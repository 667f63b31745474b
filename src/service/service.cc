#include "seshat/service/service.h"

#include <utility>

#include "service_impl.h"

namespace seshat {

Service::Service(const ServiceOptions& options, const ServicePorts& ports)
    : impl_(std::make_shared<Impl>(options, ports)) {}

Service::~Service() = default;

void Service::AddDataGroup(GroupId group, std::shared_ptr<GroupDriver> driver,
                           std::shared_ptr<DataGroupInfo> info) {
  impl_->AddGroup(group, MakeShardGroup(std::move(driver)), std::move(info));
}

std::unique_ptr<RequestHandler> Service::Accept(const PeerAddress& peer, ReplySink& sink,
                                                Executor& executor, std::string& refusal) {
  return impl_->Accept(peer, sink, executor, refusal);
}

void Service::OnCall(NodeId from, std::string request, UniqueFunction<void(std::string)> reply) {
  impl_->forwards().OnCall(from, std::move(request), std::move(reply));
}

void Service::ProposeSystemCommand(std::string command, UniqueFunction<void(Result<Reply>)> done) {
  std::shared_ptr<GroupDriver> driver = impl_->context().ports.groups->Find(kSystemGroup);
  impl_->ProposeSystem(driver == nullptr ? nullptr : MakeShardGroup(std::move(driver)),
                       std::move(command), std::move(done));
}

void Service::StopAccepting() {
  impl_->StopAccepting();
}

bool Service::IsIdle() const {
  return impl_->IsIdle();
}

}  // namespace seshat
