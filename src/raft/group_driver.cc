#include "seshat/raft/group_driver.h"

#include <utility>

#include "group_driver_impl.h"

namespace seshat {

Result<std::unique_ptr<GroupDriver>> GroupDriver::Open(
    GroupId group, const GroupDriverOptions& options, const GroupPorts& ports,
    std::unique_ptr<StateMachine> state_machine) {
  if (Status status = ValidateCoreOptions(options.core); !status) {
    return std::unexpected(std::move(status).error());
  }
  Result<LoadedGroup> loaded = LoadGroup(group, *ports.log, state_machine->AppliedIndex());
  if (!loaded) return std::unexpected(std::move(loaded).error());
  return std::unique_ptr<GroupDriver>(new GroupDriver(
      std::make_shared<Impl>(group, options, ports, std::move(state_machine), *std::move(loaded))));
}

GroupDriver::GroupDriver(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
GroupDriver::~GroupDriver() = default;

void GroupDriver::Start() {
  impl_->Start();
}

void GroupDriver::BeginStop(UniqueFunction<void()> done) {
  impl_->BeginStop(std::move(done));
}

void GroupDriver::Stop() {
  Mutex mutex;
  CondVar stopped;
  bool is_stopped = false;
  impl_->BeginStop([&] {
    MutexLock lock(mutex);
    is_stopped = true;
    stopped.NotifyAll();  // under the lock: the waiter may not return before this is done with it
  });
  MutexLock lock(mutex);
  while (!is_stopped) stopped.Wait(mutex);
}

void GroupDriver::Propose(std::vector<Proposal> proposals) {
  impl_->Propose(std::move(proposals));
}

void GroupDriver::RequestRead(UniqueFunction<void(Result<ReadPermit>)> done) {
  impl_->RequestRead(std::move(done));
}

bool GroupDriver::TryLeaseRead(ReadPermit& permit) const {
  return impl_->TryLeaseRead(permit);
}

void GroupDriver::TransferLeadership(NodeId to, UniqueFunction<void(Status)> done,
                                     TransferReason reason) {
  impl_->TransferLeadership(to, std::move(done), reason);
}

void GroupDriver::WhenReplicated(LogIndex index, std::size_t wanted, MonotonicTime until,
                                 UniqueFunction<void(Result<std::size_t>)> done) {
  impl_->WhenReplicated({index, wanted, until, std::move(done)});
}

void GroupDriver::WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) {
  impl_->WhenAppliedPast(index, std::move(done));
}

void GroupDriver::ChangeMembers(std::vector<NodeId> voters, std::vector<NodeId> learners,
                                UniqueFunction<void(Status)> done) {
  impl_->ChangeMembers(std::move(voters), std::move(learners), std::move(done));
}
Result<StateFacts> GroupDriver::Describe(const StateView& view) const {
  return impl_->Describe(view);
}
void GroupDriver::DescribeAt(LogIndex index,
                             UniqueFunction<void(std::optional<SnapshotDescriptor>)> done) {
  impl_->DescribeAt(index, std::move(done));
}
void GroupDriver::OnSnapshotKept(SnapshotDescriptor snapshot) {
  impl_->OnSnapshotKept(std::move(snapshot));
}

void GroupDriver::OnMessages(std::vector<Message> messages) {
  impl_->OnMessages(std::move(messages));
}

UnixMillis GroupDriver::CurrentStamp() const {
  return impl_->CurrentStamp();
}

const GroupView& GroupDriver::view() const {
  return impl_->view();
}

GroupStatus GroupDriver::GetStatus() const {
  return impl_->GetStatus();
}

void GroupDriver::OnLeadershipChange(UniqueFunction<void(bool is_leader, Term term)> listener) {
  impl_->OnLeadershipChange(std::move(listener));
}

}  // namespace seshat
