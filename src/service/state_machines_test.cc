// The two state machines: atomic batches, what survives a restart, what stops a node.
#include <gtest/gtest.h>

#include "cluster_records.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/key_layout.h"
#include "seshat/service/system_state_machine.h"
#include "test_node.h"

namespace seshat {
namespace {

constexpr UnixMillis kStamp{1'700'000'000'000};

std::string Set(std::string_view key, std::string_view value) {
  return EncodeClientCommand(std::vector<std::string_view>{"SET", key, value});
}

CommittedEntry EntryOf(LogIndex index, const std::vector<std::string>& commands) {
  CommittedEntry entry;
  entry.term = Term(1);
  entry.index = index;
  entry.stamp = kStamp;
  entry.commands.assign(commands.begin(), commands.end());
  return entry;
}

std::vector<CommittedEntry> OneEntry(CommittedEntry entry) {
  std::vector<CommittedEntry> entries;
  entries.push_back(std::move(entry));
  return entries;
}

ClusterState Founding() {
  return InitialClusterState(std::string(16, 'c'),
                             {{.id = NodeId(2),
                               .store_id = "",
                               .client_address = "b:6379",
                               .internal_address = "b:7379",
                               .admin_address = "",
                               .feature_level_max = FeatureLevel(1)},
                              {.id = NodeId(1),
                               .store_id = "",
                               .client_address = "a:6379",
                               .internal_address = "a:7379",
                               .admin_address = "",
                               .feature_level_max = FeatureLevel(1)}},
                             {});
}

class SystemStateMachineTest : public testing::Test {
 protected:
  SystemStateMachineTest() {
    store_.AddGroup(kSystemGroup);
    machine_ = SystemStateMachine::Open(store_, source_, [this](const StateVerdict& verdict) {
                 verdicts_.push_back(verdict);
               }).value();
  }
  // Applies a command; the reply's text.
  std::string Apply(const std::string& command) {
    const std::vector<std::string> commands{command};
    CommittedEntry entry = EntryOf(machine_->AppliedIndex().Next(), commands);
    std::string text;
    entry.waiters.push_back(
        MakeCommandWaiter([&](CommandOutcome outcome) { text = outcome.reply.text; }));
    EXPECT_TRUE(machine_->Apply(OneEntry(std::move(entry))).has_value());
    return text;
  }

  MemoryStateStore store_;
  ClusterStateSource source_;
  std::vector<StateVerdict> verdicts_;
  std::unique_ptr<SystemStateMachine> machine_;
};

TEST_F(SystemStateMachineTest, TheFirstBootstrapFoundsTheClusterAndLaterOnesChangeNothing) {
  ClusterState other = Founding();
  other.cluster_id = std::string(16, 'x');

  EXPECT_EQ(Apply(EncodeBootstrapCluster(Founding())), "OK");
  EXPECT_EQ(Apply(EncodeBootstrapCluster(other)), "ERR the cluster exists already");

  EXPECT_EQ(*source_.Get(), Founding());
  EXPECT_EQ(source_.Get()->members.front().id, NodeId(1));
}

TEST_F(SystemStateMachineTest, ANodeReportsItselfAndListenersHearOfIt) {
  Apply(EncodeBootstrapCluster(Founding()));
  std::uint64_t heard = 0;
  source_.Subscribe([&](const auto& state) { heard = state->membership_version; });
  ClusterMember reported = Founding().members.front();
  reported.store_id = std::string(16, 's');
  reported.client_address = "new:6379";

  EXPECT_EQ(Apply(EncodeRegisterNode(reported)), "OK");

  EXPECT_EQ(*source_.Get()->FindMember(NodeId(1)), reported);
  EXPECT_EQ(heard, 2u);
}

TEST_F(SystemStateMachineTest, AnotherStoreIdUnderAKnownNodeIdIsRefused) {
  Apply(EncodeBootstrapCluster(Founding()));
  ClusterMember member = Founding().members.front();
  member.store_id = std::string(16, 's');
  Apply(EncodeRegisterNode(member));

  member.store_id = std::string(16, 't');

  EXPECT_EQ(
      Apply(EncodeRegisterNode(member)),
      "ERR node id 1 belongs to a node with other data: choose another id; if that node's disk "
      "was wiped or exchanged, replace node 1 by one with a new id");
}

TEST_F(SystemStateMachineTest, ReportsOfEveryReplicaComeToAVerdict) {
  Apply(EncodeBootstrapCluster(Founding()));
  StateReport report{
      .group = kFirstDataGroup, .index = LogIndex(7), .node = NodeId(1), .digest = 42};

  EXPECT_EQ(Apply(EncodeReportState(report)), "OK");
  report.node = NodeId(2);
  EXPECT_EQ(Apply(EncodeReportState(report)), "OK");
  report.group = GroupId(9);
  EXPECT_EQ(Apply(EncodeReportState(report)), "ERR no shard 9");

  EXPECT_EQ(verdicts_, (std::vector<StateVerdict>{{.kind = StateVerdict::Kind::kEqual,
                                                   .group = kFirstDataGroup,
                                                   .index = LogIndex(7),
                                                   .node = kNoNode}}));
}

TEST_F(SystemStateMachineTest, AStrangerIsRefused) {
  Apply(EncodeBootstrapCluster(Founding()));
  ClusterMember stranger;
  stranger.id = NodeId(9);

  EXPECT_EQ(Apply(EncodeRegisterNode(stranger)), "ERR node 9 is not a member of this cluster");
}

TEST_F(SystemStateMachineTest, ARestartFindsWhatWasApplied) {
  Apply(EncodeBootstrapCluster(Founding()));
  ClusterStateSource source;

  const auto machine = SystemStateMachine::Open(store_, source, {});

  ASSERT_TRUE(machine.has_value());
  EXPECT_EQ(*source.Get(), Founding());
  EXPECT_EQ((*machine)->AppliedIndex(), LogIndex(1));
  EXPECT_EQ((*machine)->GroupClock(), kStamp);
}

TEST_F(SystemStateMachineTest, ARowThatDoesNotDecodeIsNamed) {
  Apply(EncodeBootstrapCluster(Founding()));
  StateBatch batch;
  batch.ops.push_back({std::string(kMembershipRowKey), "\xff"});
  store_.Write(kSystemGroup, std::move(batch));
  ClusterStateSource source;

  const auto machine = SystemStateMachine::Open(store_, source, {});

  ASSERT_FALSE(machine.has_value());
  EXPECT_EQ(machine.error(), Error(ErrorCode::kCorruption, "row membership: does not decode"));
}

TEST(DataStateMachineTest, ManyEntriesAreOneBatchWithTheirAppliedIndex) {
  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  auto machine = DataStateMachine::Open(store, {}).value();
  const std::vector<std::string> one{Set("a", "1"), Set("b", "2")};
  const std::vector<std::string> two{Set("a", "3")};
  std::vector<CommittedEntry> entries;
  entries.push_back(EntryOf(LogIndex(1), one));
  entries.push_back(EntryOf(LogIndex(2), two));

  ASSERT_TRUE(machine->Apply(std::move(entries)).has_value());

  const AppliedState applied = ReadAppliedState(store, kFirstDataGroup).value();
  EXPECT_EQ(applied.index, LogIndex(2));
  EXPECT_EQ(applied.revision, Revision(3));
  EXPECT_EQ(applied.key_count, 2u);
  EXPECT_EQ(applied.clock, kStamp);
}

TEST(DataStateMachineTest, AnUnknownFeatureLevelStopsTheNodeAndWritesNothing) {
  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  auto machine = DataStateMachine::Open(store, {}).value();
  const std::vector<std::string> commands{Set("a", "1")};
  CommittedEntry entry = EntryOf(LogIndex(1), commands);
  entry.feature_level = FeatureLevel(99);

  const Status status = machine->Apply(OneEntry(std::move(entry)));

  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(store.Contents(kFirstDataGroup).empty());
}

TEST(DataStateMachineTest, ACommandThatDoesNotDecodeStopsTheNodeAndNamesTheEntry) {
  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  auto machine = DataStateMachine::Open(store, {}).value();
  const std::vector<std::string> commands{"\xff\xff"};

  const Status status = machine->Apply(OneEntry(EntryOf(LogIndex(5), commands)));

  ASSERT_FALSE(status.has_value());
  EXPECT_TRUE(status.error().message().starts_with("group 1, entry 5: "));
}

TEST(DataStateMachineTest, ReplicasThatApplyInOtherPortionsHoldTheSameBytes) {
  MemoryStateStore one;
  MemoryStateStore other;
  one.AddGroup(kFirstDataGroup);
  other.AddGroup(kFirstDataGroup);
  auto first = DataStateMachine::Open(one, {}).value();
  auto second = DataStateMachine::Open(other, {}).value();
  std::vector<std::vector<std::string>> commands;
  for (int i = 0; i < 20; ++i) commands.push_back({Set("k" + std::to_string(i % 7), "v")});

  std::vector<CommittedEntry> together;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    together.push_back(EntryOf(LogIndex(i + 1), commands[i]));
    ASSERT_TRUE(second->Apply(OneEntry(EntryOf(LogIndex(i + 1), commands[i]))).has_value());
  }
  ASSERT_TRUE(first->Apply(std::move(together)).has_value());

  EXPECT_EQ(one.Contents(kFirstDataGroup), other.Contents(kFirstDataGroup));
}

TEST(DataStateMachineTest, AMarkTellsTheStateAtItsOwnEntryInAnyPortions) {
  const std::vector<std::vector<std::string>> commands{
      {Set("a", "1")}, {EncodeMarkState()}, {Set("a", "2")}};
  std::vector<StateMark> together;
  std::vector<StateMark> apart;
  MemoryStateStore one;
  MemoryStateStore other;
  one.AddGroup(kFirstDataGroup);
  other.AddGroup(kFirstDataGroup);
  auto first = DataStateMachine::Open(one, {}).value();
  auto second = DataStateMachine::Open(other, {}).value();
  first->info()->marks.Subscribe([&](const StateMark& mark) { together.push_back(mark); });

  std::vector<CommittedEntry> entries;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    entries.push_back(EntryOf(LogIndex(i + 1), commands[i]));
    ASSERT_TRUE(second->Apply(OneEntry(EntryOf(LogIndex(i + 1), commands[i]))).has_value());
  }
  ASSERT_TRUE(first->Apply(std::move(entries)).has_value());
  second->info()->marks.Subscribe([&](const StateMark& mark) { apart.push_back(mark); });

  ASSERT_EQ(together.size(), 1u);
  EXPECT_EQ(together, apart) << "who comes late hears of the newest";
  EXPECT_EQ(together[0].index, LogIndex(2));
  EXPECT_NE(together[0].digest, ReadAppliedState(one, kFirstDataGroup).value().digest);
  EXPECT_EQ(first->info()->commands_applied.load(), 2u);
}

TEST(DataStateMachineTest, AKeyspaceWithoutADigestGetsTheOneItWouldHave) {
  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  const std::vector<std::string> commands{Set("a", "1"), Set("b", "2")};
  ASSERT_TRUE(DataStateMachine::Open(store, {})
                  .value()
                  ->Apply(OneEntry(EntryOf(LogIndex(1), commands)))
                  .has_value());
  AppliedState applied = ReadAppliedState(store, kFirstDataGroup).value();
  const std::optional<std::uint64_t> digest = std::exchange(applied.digest, std::nullopt);
  StateBatch batch;
  batch.ops.push_back({std::string(kAppliedRowKey), EncodeAppliedState(applied)});
  store.Write(kFirstDataGroup, std::move(batch));

  auto machine = DataStateMachine::Open(store, {}).value();
  const std::vector<std::string> mark{EncodeMarkState()};
  ASSERT_TRUE(machine->Apply(OneEntry(EntryOf(LogIndex(2), mark))).has_value());

  EXPECT_EQ(ReadAppliedState(store, kFirstDataGroup).value().digest, digest);
}

TEST(DataStateMachineTest, NoopEntriesMoveTheAppliedIndexOnly) {
  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  auto machine = DataStateMachine::Open(store, {}).value();
  CommittedEntry entry;
  entry.term = Term(3);
  entry.index = LogIndex(1);
  entry.type = EntryType::kNoop;

  ASSERT_TRUE(machine->Apply(OneEntry(std::move(entry))).has_value());

  const AppliedState applied = ReadAppliedState(store, kFirstDataGroup).value();
  EXPECT_EQ(applied.index, LogIndex(1));
  EXPECT_EQ(applied.term, Term(3));
  EXPECT_EQ(applied.revision, Revision(0));
}

}  // namespace
}  // namespace seshat
