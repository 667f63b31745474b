#include "test_node.h"

#include <chrono>

#include "seshat/base/check.h"
#include "seshat/service/cluster_state.h"

namespace seshat {

TestGroup::TestGroup(TestLoop& loop, MemoryStateStore& store) : loop_(loop) {
  store.AddGroup(kFirstDataGroup);
  auto opened = DataStateMachine::Open(store, {});
  SESHAT_CHECK(opened.has_value());
  machine = *std::move(opened);
}

GroupStatus TestGroup::GetStatus() const {
  GroupStatus status;
  status.core.role = IsLeader() ? Role::kLeader : Role::kFollower;
  status.core.leader = leader;
  status.core.term = Term(7);
  status.applied_index = AppliedIndex();
  if (IsLeader()) status.core.followers = followers;
  return status;
}

void TestGroup::Propose(std::vector<Proposal> batch) {
  ++batches;
  for (Proposal& proposal : batch) proposals.push_back(std::move(proposal));
  if (applies_at_once) ApplyAll();
}

void TestGroup::RequestRead(UniqueFunction<void(Result<ReadPermit>)> done) {
  reads.push_back(std::move(done));
  if (grants_at_once) GrantReads();
}

bool TestGroup::TryLeaseRead(ReadPermit& permit) const {
  if (!has_lease || !IsLeader()) return false;
  permit = Permit();
  return true;
}

void TestGroup::WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) {
  if (AppliedIndex() > index) return done();
  applied_waiters_.emplace_back(index, std::move(done));
}

void TestGroup::ApplyAll() {
  if (proposals.empty()) return;
  std::vector<std::string> commands;
  std::vector<std::unique_ptr<ProposalWaiter>> waiters;
  for (Proposal& proposal : std::exchange(proposals, {})) {
    commands.push_back(std::move(proposal.command));
    waiters.push_back(std::move(proposal.waiter));
  }
  Apply(std::move(commands), std::move(waiters));
}

void TestGroup::FailAll(bool outcome_known, NodeId new_leader) {
  leader = new_leader;
  for (Proposal& proposal : std::exchange(proposals, {})) {
    if (outcome_known) {
      proposal.waiter->OnNotApplied(Error(ErrorCode::kUnavailable, "not the leader"), new_leader);
    } else {
      proposal.waiter->OnOutcomeUnknown(Error(ErrorCode::kOutcomeUnknown, "leadership was lost"));
    }
  }
}

void TestGroup::ApplyFromElsewhere(std::string command) {
  std::vector<std::string> commands;
  commands.push_back(std::move(command));
  Apply(std::move(commands), {});
}

void TestGroup::Apply(std::vector<std::string> commands,
                      std::vector<std::unique_ptr<ProposalWaiter>> waiters) {
  CommittedEntry entry;
  entry.term = Term(7);
  entry.index = AppliedIndex().Next();
  entry.stamp = loop_.WallNow();
  entry.commands.assign(commands.begin(), commands.end());
  entry.waiters = std::move(waiters);
  std::vector<CommittedEntry> entries;
  entries.push_back(std::move(entry));
  SESHAT_CHECK(machine->Apply(std::move(entries)).has_value());
  auto waiting = std::exchange(applied_waiters_, {});
  for (auto& [index, done] : waiting) WhenAppliedPast(index, std::move(done));
}

void TestGroup::DropWaiting() {
  proposals.clear();
  reads.clear();
  replications.clear();
  transfers.clear();
  applied_waiters_.clear();
}

void TestGroup::GrantReads() {
  for (auto& done : std::exchange(reads, {})) done(Permit());
}

void TestGroup::RefuseReads(const Error& why) {
  for (auto& done : std::exchange(reads, {})) done(std::unexpected(why));
}

TestNode::TestNode(ServiceOptions options, bool has_replica) {
  options.node = NodeId(1);
  options.seshat_version = "0.1.0";
  options.run_id = std::string(40, 'a');
  group = std::make_shared<TestGroup>(loop, store);
  std::vector<ClusterMember> members;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    members.push_back({.id = NodeId(id),
                       .store_id = std::string(16, 's'),
                       .client_address = "10.0.0." + std::to_string(id) + ":6379",
                       .internal_address = "10.0.0." + std::to_string(id) + ":7379",
                       .admin_address = "10.0.0." + std::to_string(id) + ":9090",
                       .feature_level_max = kFeatureLevelMax});
  }
  cluster.Publish(InitialClusterState(std::string(16, '\x5e'), std::move(members), {}));
  ServicePorts ports;
  ports.clock = &loop;
  ports.store = &store;
  ports.transport = &transport;
  ports.metrics = &metrics;
  ports.groups = &groups;
  ports.cluster = &cluster;
  ports.fatal = &fatal;
  ports.read_pool = {&loop};
  ports.background = &loop;
  ports.write_refusal = [this] { return write_refusal; };
  service_ = std::make_unique<ServiceCore>(options, ports);
  if (has_replica) AddReplica();
}

void TestNode::AddReplica() {
  service_->AddGroup(kFirstDataGroup, group, group->machine->info());
}

TestNode::~TestNode() {
  // What still waits holds the group that it waits in, and is told so before the lanes are cleared.
  group->DropWaiting();
}

TestClient::TestClient(TestNode& node, const PeerAddress& peer) : node_(node) {
  handler = node.service().Accept(peer, *this, node.loop, refusal);
}

std::string TestClient::Pipeline(const std::vector<Command>& commands) {
  std::vector<std::vector<std::string_view>> views;
  for (const Command& command : commands) views.emplace_back(command.begin(), command.end());
  std::vector<Arguments> requests(views.begin(), views.end());
  handler->OnRequests(requests);
  // What a command leaves behind in the service must not be the read buffer's.
  for (auto& view : views) view.assign(view.size(), "overwritten");
  node_.loop.Run();
  return Received();
}

}  // namespace seshat
