// Expiry as events in the log: on time, on the leader only, in bounded batches, never lost.
#include <gtest/gtest.h>

#include "seshat/commands/data_command.h"
#include "test_node.h"

namespace seshat {
namespace {

TEST(ExpiryTest, AKeyIsGoneWithinMillisecondsOfItsTime) {
  TestNode node;
  TestClient client(node);

  client.Run({"SET", "k", "v", "PX", "1500"});
  node.loop.Advance(std::chrono::milliseconds(1499));
  EXPECT_EQ(node.group->machine->info()->key_count.load(), 1u);
  node.loop.Advance(std::chrono::milliseconds(3));

  EXPECT_EQ(node.group->machine->info()->key_count.load(), 0u);
  EXPECT_EQ(client.Run({"DBSIZE"}), ":0\r\n");
}

TEST(ExpiryTest, AnEarlierExpiryMovesTheNextWakeUp) {
  TestNode node;
  TestClient client(node);

  client.Run({"SET", "late", "v", "PX", "900"});
  client.Run({"SET", "soon", "v", "PX", "100"});
  node.loop.Advance(std::chrono::milliseconds(102));

  EXPECT_EQ(client.Run({"DBSIZE"}), ":1\r\n");
}

TEST(ExpiryTest, AKeyThatGotAnotherExpiryInTheMeantimeStays) {
  TestNode node;
  TestClient client(node);

  client.Run({"SET", "k", "v", "PX", "100"});
  client.Run({"PEXPIRE", "k", "100000"});
  node.loop.Advance(std::chrono::seconds(10));

  EXPECT_EQ(client.Run({"GET", "k"}), "$1\r\nv\r\n");
}

TEST(ExpiryTest, OnlyTheLeaderProposesAndANewOneTakesUpWhatIsDue) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "v", "PX", "100"});
  const std::size_t batches = node.group->batches;

  node.group->leader = NodeId(2);
  node.loop.Advance(std::chrono::seconds(1));
  EXPECT_EQ(node.group->batches, batches);
  node.group->leader = NodeId(1);
  node.loop.Advance(std::chrono::milliseconds(101));

  EXPECT_EQ(client.Run({"DBSIZE"}), ":0\r\n");
}

TEST(ExpiryTest, ManyKeysGoInBatchesOfAtMostAThousandFewOfThemInFlight) {
  TestNode node;
  TestClient client(node);
  std::vector<TestClient::Command> sets;
  for (int i = 0; i < 6000; ++i) {
    sets.push_back({"SET", "key" + std::to_string(i), "v", "PX", "100"});
  }
  client.Pipeline(sets);
  node.group->applies_at_once = false;

  node.loop.Advance(std::chrono::milliseconds(105));
  ASSERT_EQ(node.group->proposals.size(), 4u);
  for (const Proposal& proposal : node.group->proposals) {
    DataCommand command;
    ASSERT_TRUE(DecodeDataCommand(proposal.command, command).has_value());
    EXPECT_LE(command.expiring_keys.size(), kExpiringKeysMax);
  }
  node.group->applies_at_once = true;
  node.group->ApplyAll();
  node.loop.Advance(std::chrono::milliseconds(100));

  EXPECT_EQ(client.Run({"DBSIZE"}), ":0\r\n");
  EXPECT_EQ(node.group->machine->info()->keys_expired.load(), 6000u);
}

TEST(ExpiryTest, AProposalThatWasNotAppliedIsMadeAgain) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "v", "PX", "100"});
  node.group->applies_at_once = false;
  node.loop.Advance(std::chrono::milliseconds(102));
  ASSERT_EQ(node.group->proposals.size(), 1u);

  node.group->FailAll(/*outcome_known=*/false, NodeId(1));
  node.group->applies_at_once = true;
  node.loop.Advance(std::chrono::milliseconds(100));

  EXPECT_EQ(client.Run({"DBSIZE"}), ":0\r\n");
}

TEST(ExpiryTest, AReadOfADueKeyOnTheLeaderDoesNotWaitItsTurn) {
  TestNode node;
  TestClient client(node);
  client.Run({"SET", "k", "v", "PX", "100"});
  node.group->applies_at_once = false;
  node.loop.Advance(std::chrono::milliseconds(102));
  node.group->FailAll(/*outcome_known=*/true, NodeId(1));

  client.Run({"GET", "k"});
  ASSERT_EQ(node.group->proposals.size(), 1u);
  node.group->ApplyAll();
  node.loop.Run();

  EXPECT_EQ(client.Received(), "$-1\r\n");
}

TEST(ExpiryTest, ARestartedNodeKnowsWhatWillExpire) {
  TestLoop loop;
  MemoryStateStore store;
  TestGroup before(loop, store);
  before.ApplyFromElsewhere(
      EncodeClientCommand(std::vector<std::string_view>{"SET", "k", "v", "PX", "100"}));

  const auto machine = DataStateMachine::Open(store, {});

  ASSERT_TRUE(machine.has_value());
  const auto earliest = (*machine)->info()->expiries.Earliest();
  ASSERT_TRUE(earliest.has_value());
  EXPECT_EQ(earliest->value, loop.WallNow().value + 100);
}

TEST(ExpiryTest, AfterFlushallNothingIsDue) {
  TestNode node;
  TestClient client(node);

  client.Run({"SET", "k", "v", "PX", "100"});
  client.Run({"FLUSHALL"});

  EXPECT_FALSE(node.group->machine->info()->expiries.Earliest().has_value());
}

}  // namespace
}  // namespace seshat
