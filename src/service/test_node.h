// TestNode: the service of one node over test ports and a group that does as it is told.
//
//   TestNode node;
//   TestClient client(node);
//   EXPECT_EQ(client.Run({"SET", "k", "v"}), "+OK\r\n");
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "forward_envelope.h"
#include "service_core.h"
#include "seshat/raft/group_registry.h"
#include "seshat/service/data_state_machine.h"
#include "support/memory_state_store.h"
#include "test_ports.h"

namespace seshat {

// A group whose leadership, commits and refusals are the test's. Applies with the real state
// machine.
// Threads: owned by the test.
class TestGroup final : public ShardGroup {
 public:
  TestGroup(TestLoop& loop, MemoryStateStore& store);

  bool IsLeader() const override { return leader == self; }
  NodeId Leader() const override { return leader; }
  LogIndex AppliedIndex() const override { return machine->AppliedIndex(); }
  UnixMillis CurrentStamp() const override { return loop_.WallNow(); }
  GroupStatus GetStatus() const override;
  void Propose(std::vector<Proposal> proposals) override;
  void RequestRead(UniqueFunction<void(Result<ReadPermit>)> done) override;
  bool TryLeaseRead(ReadPermit& permit) const override;
  void WhenAppliedPast(LogIndex index, UniqueFunction<void()> done) override;
  void WhenReplicated(LogIndex index, std::size_t wanted, MonotonicTime until,
                      UniqueFunction<void(Result<std::size_t>)> done) override {
    replications.push_back({index, wanted, until, std::move(done)});
  }
  void TransferLeadership(NodeId to, UniqueFunction<void(Status)> done) override {
    transfers.emplace_back(to, std::move(done));
  }

  // Commits and applies what was proposed, as one entry.
  void ApplyAll();
  // Ends the oldest proposals instead, as a driver does that lost its leadership.
  void FailAll(bool outcome_known, NodeId new_leader);
  // Applies a command as if another node had proposed it.
  void ApplyFromElsewhere(std::string command);
  void GrantReads();
  void RefuseReads(const Error& why);
  // Forgets what waits, without an answer.
  void DropWaiting();

  struct Replication {
    LogIndex index;
    std::size_t wanted = 0;
    MonotonicTime until;
    UniqueFunction<void(Result<std::size_t>)> done;
  };

  NodeId self{1};
  NodeId leader{1};
  bool has_lease = true;
  bool applies_at_once = true;
  bool grants_at_once = true;
  std::size_t batches = 0;  // calls of Propose
  std::deque<Proposal> proposals;
  std::deque<UniqueFunction<void(Result<ReadPermit>)>> reads;
  std::deque<Replication> replications;
  std::deque<std::pair<NodeId, UniqueFunction<void(Status)>>> transfers;
  std::vector<FollowerStatus> followers;  // in its status, while it leads
  std::unique_ptr<DataStateMachine> machine;

 private:
  void Apply(std::vector<std::string> commands,
             std::vector<std::unique_ptr<ProposalWaiter>> waiters);
  ReadPermit Permit() const { return {loop_.WallNow(), AppliedIndex()}; }

  TestLoop& loop_;
  std::vector<std::pair<LogIndex, UniqueFunction<void()>>> applied_waiters_;
};

// Threads: owned by the test.
class TestNode {
 public:
  // Without its replica: as a node is between its start and AddReplica.
  explicit TestNode(ServiceOptions options = {}, bool has_replica = true);
  ~TestNode();

  void AddReplica();

  ServiceCore& service() { return *service_; }

  TestLoop loop;
  MemoryStateStore store;
  TestTransport transport;
  TestMetrics metrics;
  RecordedFatal fatal;
  GroupRegistry groups;
  ClusterStateSource cluster;
  std::optional<std::string> write_refusal;
  std::shared_ptr<TestGroup> group;

 private:
  std::unique_ptr<ServiceCore> service_;
};

// A connection to a TestNode.
// Threads: owned by the test.
class TestClient final : public ReplySink {
 public:
  explicit TestClient(TestNode& node,
                      const PeerAddress& peer = {"127.0.0.1:50000", "127.0.0.1:6379", true});

  void Send(std::string bytes) override {
    ++sends;
    received_ += bytes;
  }
  void CloseAfterFlush() override { closed = true; }
  void ResumeReading() override { ++resumes; }

  using Command = std::vector<std::string>;
  // Sends commands in one go and lets the node run until it has nothing to do.
  std::string Pipeline(const std::vector<Command>& commands);
  std::string Run(Command command) { return Pipeline({std::move(command)}); }
  // What came since the last look.
  std::string Received() { return std::exchange(received_, {}); }
  void Disconnect() { handler.reset(); }

  std::unique_ptr<RequestHandler> handler;  // null: refused
  std::string refusal;
  bool closed = false;
  int resumes = 0;
  int sends = 0;

 private:
  TestNode& node_;
  std::string received_;
};

}  // namespace seshat
