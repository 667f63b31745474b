#include "seshat/commands/keyspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "seshat/commands/command_table.h"
#include "seshat/commands/execution.h"
#include "seshat/commands/expiry_index.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/read_execution.h"
#include "seshat/commands/row_digest.h"
#include "test_shard.h"

namespace seshat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr UnixMillis kNow{1000};

Value StringValue(std::string data, std::optional<UnixMillis> expires_at = {}) {
  return {.data = std::move(data), .created_at = kNow, .expires_at = expires_at};
}

class KeyspaceTest : public testing::Test {
 protected:
  KeyspaceTest() : keyspace_(store_, kTestGroup, AppliedState{}) { store_.AddGroup(kTestGroup); }

  Keyspace::Row& Find(std::string_view key, UnixMillis now = kNow) {
    return **keyspace_.Find(key, now);
  }
  void Put(std::string_view key, Value value) {
    keyspace_.BeginCommand();
    keyspace_.Put(Find(key), std::move(value));
  }
  KeyspaceBatch Flush() {
    KeyspaceBatch batch = keyspace_.TakeBatch(keyspace_.applied().index.Next(), Term(1));
    store_.Write(kTestGroup, batch.writes);
    return batch;
  }
  std::vector<std::string> RowKeys() const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : store_.Contents(kTestGroup)) keys.push_back(key);
    return keys;
  }

  MemoryStateStore store_;
  Keyspace keyspace_;
};

TEST_F(KeyspaceTest, ReadsItsOwnWritesBeforeTheyAreStored) {
  Put("k", StringValue("v"));

  EXPECT_EQ(Find("k").value()->data, "v");
  EXPECT_THAT(RowKeys(), IsEmpty());
}

TEST_F(KeyspaceTest, TheBatchHoldsDataIndexAndAppliedInByteOrder) {
  Put("k", StringValue("v", UnixMillis{5000}));
  Put("a", StringValue("v"));

  const KeyspaceBatch batch = Flush();

  std::vector<std::string> keys;
  for (const StateOp& op : batch.writes.ops) keys.push_back(op.key);
  EXPECT_THAT(keys, ElementsAre(DataRowKey("k"), DataRowKey("a"),
                                ExpiryRowKey(SlotOf("k"), UnixMillis{5000}, "k"),
                                std::string(kAppliedRowKey)));
  EXPECT_TRUE(std::ranges::is_sorted(keys));
}

TEST_F(KeyspaceTest, TheAppliedRowSaysHowFarTheGroupIs) {
  keyspace_.BeginEntry(UnixMillis{7});
  Put("k", StringValue("v"));
  const KeyspaceBatch batch = keyspace_.TakeBatch(LogIndex(9), Term(3));
  store_.Write(kTestGroup, batch.writes);

  const std::string row_key = DataRowKey("k");
  EXPECT_EQ(ReadAppliedState(store_, kTestGroup).value(),
            (AppliedState{.index = LogIndex(9),
                          .term = Term(3),
                          .clock = UnixMillis{7},
                          .revision = Revision(1),
                          .key_count = 1,
                          .keyspace_generation = 0,
                          .digest = HashRow(row_key, *batch.writes.ops[0].value)}));
}

TEST_F(KeyspaceTest, ABatchOfNothingStillMovesTheAppliedRow) {
  const KeyspaceBatch batch = Flush();

  ASSERT_EQ(batch.writes.ops.size(), 1);
  EXPECT_EQ(batch.writes.ops[0].key, kAppliedRowKey);
}

TEST_F(KeyspaceTest, TheGroupClockNeverGoesBack) {
  EXPECT_EQ(keyspace_.BeginEntry(UnixMillis{10}), UnixMillis{10});
  EXPECT_EQ(keyspace_.BeginEntry(UnixMillis{5}), UnixMillis{10});
  EXPECT_EQ(keyspace_.BeginEntry(UnixMillis{11}), UnixMillis{11});
}

TEST_F(KeyspaceTest, EachCommandHasItsOwnRevisionAndValuesCarryIt) {
  Put("a", StringValue("v"));
  Put("b", StringValue("v"));
  EXPECT_EQ(Find("a").value()->revision, Revision(1));
  EXPECT_EQ(Find("b").value()->revision, Revision(2));

  keyspace_.BeginCommand();
  keyspace_.SetExpiry(Find("a"), UnixMillis{5000});
  EXPECT_EQ(Find("a").value()->revision, Revision(3));
}

TEST_F(KeyspaceTest, AChangedExpiryReplacesItsIndexRow) {
  Put("k", StringValue("v", UnixMillis{5000}));
  Flush();

  keyspace_.SetExpiry(Find("k"), UnixMillis{6000});
  const KeyspaceBatch batch = Flush();

  EXPECT_THAT(RowKeys(),
              ElementsAre(DataRowKey("k"), ExpiryRowKey(SlotOf("k"), UnixMillis{6000}, "k"),
                          std::string(kAppliedRowKey)));
  const Slot slot = SlotOf("k");
  EXPECT_THAT(batch.expiry_changes, ElementsAre(ExpiryChange{.kind = ExpiryChange::Kind::kRemoved,
                                                             .slot = slot,
                                                             .expires_at = UnixMillis{5000}},
                                                ExpiryChange{.kind = ExpiryChange::Kind::kAdded,
                                                             .slot = slot,
                                                             .expires_at = UnixMillis{6000}}));
}

TEST_F(KeyspaceTest, AKeyThatComesAndGoesWithinABatchLeavesNothing) {
  Put("k", StringValue("v", UnixMillis{5000}));
  keyspace_.Erase(Find("k"));

  const KeyspaceBatch batch = Flush();

  EXPECT_THAT(RowKeys(), ElementsAre(std::string(kAppliedRowKey)));
  EXPECT_THAT(batch.expiry_changes, IsEmpty());
  EXPECT_EQ(keyspace_.applied().key_count, 0);
}

TEST_F(KeyspaceTest, AKeyThatIsDueIsRemovedByWhoeverLooksForIt) {
  Put("k", StringValue("v", UnixMillis{5000}));
  Flush();

  EXPECT_NE(Find("k", UnixMillis{4999}).value(), nullptr);
  EXPECT_EQ(Find("k", UnixMillis{5000}).value(), nullptr);
  Flush();

  EXPECT_THAT(RowKeys(), ElementsAre(std::string(kAppliedRowKey)));
  EXPECT_EQ(keyspace_.applied().key_count, 0);
  EXPECT_EQ(keyspace_.expired_on_access(), 1);
}

TEST_F(KeyspaceTest, ClearingHidesWhatIsStoredAndKeepsTheGroupsRows) {
  Put("k", StringValue("v", UnixMillis{5000}));
  Flush();

  keyspace_.Clear();
  EXPECT_EQ(Find("k").value(), nullptr);
  Put("new", StringValue("v"));
  const KeyspaceBatch batch = Flush();

  EXPECT_TRUE(batch.cleared);
  EXPECT_EQ(batch.writes.clear_all_but_prefix, std::string(kGroupRowPrefix));
  EXPECT_THAT(RowKeys(), ElementsAre(DataRowKey("new"), std::string(kAppliedRowKey)));
  EXPECT_EQ(keyspace_.applied().key_count, 1);
  EXPECT_EQ(keyspace_.applied().keyspace_generation, 1);
  EXPECT_EQ(Find("new").value()->data, "v");
}

TEST_F(KeyspaceTest, ErrorsOfTheStoreAndOfStoredBytesComeUp) {
  store_.Write(kTestGroup, {.clear_all_but_prefix = {}, .ops = {{DataRowKey("k"), "garbage"}}});
  EXPECT_EQ(keyspace_.Find("k", kNow).error().code(), ErrorCode::kCorruption);

  store_.FailReads(Error(ErrorCode::kIo, "gone"));
  EXPECT_EQ(keyspace_.Find("other", kNow).error().code(), ErrorCode::kIo);
}

TEST(ExpireEventTest, RemovesOnlyTheExpiryAndRevisionThatItNames) {
  TestShard shard;
  shard.RunLine("SET k v PX 100");
  const ExpiringKey event{.key = "k",
                          .expires_at = UnixMillis{shard.now.value + 100},
                          .revision = shard.applied().revision};
  shard.RunLine("APPEND k w");
  Keyspace keyspace(shard.store(), kTestGroup, shard.applied());
  const UnixMillis later = keyspace.BeginEntry(UnixMillis{shard.now.value + 100});

  const std::vector<ExpiringKey> stale = {event, {.key = "missing"}};
  EXPECT_EQ(ExecuteExpire(stale, keyspace, later)->integer, 0);

  std::vector<ExpiringKey> current = {event};
  current[0].revision = shard.applied().revision;
  current[0].expires_at.value += 1;
  EXPECT_EQ(ExecuteExpire(current, keyspace, later)->integer, 0);
  current[0].expires_at.value -= 1;
  EXPECT_EQ(ExecuteExpire(current, keyspace, UnixMillis{later.value - 1})->integer, 0);
  EXPECT_EQ(ExecuteExpire(current, keyspace, later)->integer, 1);
  EXPECT_EQ(ExecuteExpire(current, keyspace, later)->integer, 0);
}

TEST(ExecutionTest, AppendPastTheLimitChangesNothing) {
  TestShard shard;
  shard.limits.value_bytes_max = 5;
  shard.RunLine("SET k abc");

  EXPECT_EQ(shard.RunLine("APPEND k def").text,
            "ERR value of 6 bytes exceeds the limit of 5 bytes");
  EXPECT_EQ(shard.RunLine("GET k").text, "abc");
}

TEST(ExecutionTest, WhatValidationRefusesIsRefusedWhenAppliedToo) {
  TestShard shard;
  Keyspace keyspace(shard.store(), kTestGroup, AppliedState{});
  const ReplicatedLimits limits{.key_bytes_max = 3, .value_bytes_max = 3};
  const auto apply = [&](const std::vector<std::string_view>& call) {
    DataCommand scratch;
    return ApplyDataCommand(EncodeClientCommand(call), keyspace, kNow, limits, scratch)->text;
  };

  EXPECT_EQ(apply({"SET", "long", "v"}), "ERR key of 4 bytes exceeds the limit of 3 bytes");
  EXPECT_EQ(apply({"SET", "k", "v", "EX"}), "ERR syntax error");
  EXPECT_EQ(apply({"SET", "k"}), "ERR wrong number of arguments for 'set' command");
  EXPECT_EQ(apply({"INCRBY", "k", "x"}), "ERR value is not an integer or out of range");
  EXPECT_EQ(keyspace.applied().revision, Revision(4));
  EXPECT_EQ(keyspace.applied().key_count, 0);
}

TEST(ExecutionTest, CommandsThatAreNoWritesStopTheReplica) {
  TestShard shard;
  Keyspace keyspace(shard.store(), kTestGroup, AppliedState{});
  DataCommand scratch;
  for (const char* name : {"GET", "LPUSH", "PING"}) {
    const std::string bytes = EncodeClientCommand(std::vector<std::string_view>{name, "k"});
    EXPECT_EQ(ApplyDataCommand(bytes, keyspace, kNow, {}, scratch).error().code(),
              ErrorCode::kFailedPrecondition);
  }
}

TEST(ExecutionTest, CreatedAtIsTheTimeOfTheSetAndLastsThroughOtherWrites) {
  TestShard shard;
  const auto created_at = [&] {
    const auto rows = shard.store().Contents(kTestGroup);
    return DecodeValue("k", rows.at(DataRowKey("k")))->created_at;
  };
  const UnixMillis first = shard.now;
  shard.RunLine("SET k 1");
  shard.now.value += 10;
  shard.RunLine("INCR k");
  shard.RunLine("APPEND k 0");
  shard.RunLine("EXPIRE k 100");
  EXPECT_EQ(created_at(), first);

  shard.RunLine("SET k 2");
  EXPECT_EQ(created_at(), shard.now);
}

class ReadExecutionTest : public testing::Test {
 protected:
  ReadOutcome Read(const std::vector<std::string_view>& call, ReadTier tier) {
    const KeyspaceReader reader(shard_.store(), kTestGroup, tier);
    return ExecuteRead(*FindCommand(call[0]), call, reader, shard_.now, reply_bytes_max_).value();
  }

  std::size_t reply_bytes_max_ = 1000;
  TestShard shard_;
};

TEST_F(ReadExecutionTest, ColdRowsBlockInMemoryAndNotAnywhere) {
  shard_.RunLine("SET k v");
  shard_.store().SetCold(true);

  EXPECT_EQ(Read({"GET", "k"}, ReadTier::kMemory).kind, ReadOutcome::Kind::kWouldBlock);
  EXPECT_EQ(Read({"MGET", "k", "l"}, ReadTier::kMemory).kind, ReadOutcome::Kind::kWouldBlock);
  EXPECT_EQ(Read({"DBSIZE"}, ReadTier::kMemory).kind, ReadOutcome::Kind::kWouldBlock);
  EXPECT_EQ(Read({"GET", "k"}, ReadTier::kAnywhere).reply, Reply::Bulk("v"));
}

TEST_F(ReadExecutionTest, AKeyThatIsDueIsNamedWithItsExpiryAndRevision) {
  shard_.RunLine("SET k v PX 10");
  shard_.now.value += 10;

  for (const char* name : {"GET", "EXISTS", "STRLEN", "TTL", "PTTL", "TYPE", "MGET"}) {
    const ReadOutcome outcome = Read({name, "k"}, ReadTier::kAnywhere);
    EXPECT_EQ(outcome.kind, ReadOutcome::Kind::kKeyDue) << name;
    EXPECT_EQ(outcome.due_key, "k");
    EXPECT_EQ(outcome.due_at, shard_.now);
    EXPECT_EQ(outcome.due_revision, Revision(1));
  }
}

TEST_F(ReadExecutionTest, AViewKeepsItsState) {
  shard_.RunLine("MSET a 1 b 1");
  const auto view = shard_.store().View(kTestGroup).value();
  shard_.RunLine("MSET a 2 b 2");

  const std::vector<std::string_view> call = {"MGET", "a", "b"};
  const ReadOutcome outcome =
      ExecuteRead(*FindCommand("mget"), call, KeyspaceReader(*view, ReadTier::kAnywhere), kNow,
                  reply_bytes_max_)
          .value();
  EXPECT_EQ(outcome.reply, Reply::Array({Reply::Bulk("1"), Reply::Bulk("1")}));
}

TEST_F(ReadExecutionTest, AReplyOfMoreThanTheLimitIsAnError) {
  shard_.RunLine("MSET a 12345 b 12345");
  reply_bytes_max_ = 10;
  EXPECT_FALSE(Read({"MGET", "a", "b"}, ReadTier::kAnywhere).reply.IsError());

  reply_bytes_max_ = 9;
  EXPECT_EQ(Read({"MGET", "a", "b"}, ReadTier::kAnywhere).reply,
            Reply::Error("ERR the reply would have more than 9 bytes "
                         "(limits.client_output_hard_bytes_max)"));
  EXPECT_EQ(Read({"EXISTS", "a", "b"}, ReadTier::kAnywhere).reply, Reply::Integer(2));
}

TEST_F(ReadExecutionTest, ErrorsOfTheStoreComeUp) {
  shard_.store().FailReads(Error(ErrorCode::kCorruption, "bad block"));
  const KeyspaceReader reader(shard_.store(), kTestGroup, ReadTier::kAnywhere);
  for (const std::vector<std::string_view>& call :
       {std::vector<std::string_view>{"GET", "k"}, {"MGET", "a", "b"}, {"DBSIZE"}}) {
    EXPECT_EQ(
        ExecuteRead(*FindCommand(call[0]), call, reader, kNow, reply_bytes_max_).error().code(),
        ErrorCode::kCorruption);
  }
}

TEST(ExpiryIndexTest, KeysAreCollectedInOrderOfTimeUpToTheLimit) {
  TestShard shard;
  const Slot slot = SlotOf("{t}");
  for (int i : {3, 1, 2, 9}) {
    shard.RunLine("SET {t}" + std::to_string(i) + " v PX " + std::to_string(i));
  }
  const auto view = shard.store().View(kTestGroup).value();
  const auto at = [&](int ms) { return UnixMillis{shard.now.value + ms}; };
  const auto collect = [&](UnixMillis now, std::size_t keys_max) {
    const DueKeys due = CollectDueKeys(*view, slot, now, keys_max).value();
    std::string keys;
    for (const DueKey& key : due.keys) keys += key.key.back();
    return std::pair(keys, due.next);
  };

  EXPECT_EQ(EarliestExpiries(*view).value(),
            (std::vector<SlotExpiry>{{.slot = slot, .earliest = at(1)}}));
  EXPECT_EQ(collect(at(0), 10), std::pair(std::string(), std::optional(at(1))));
  EXPECT_EQ(collect(at(3), 10), std::pair(std::string("123"), std::optional(at(9))));
  EXPECT_EQ(collect(at(3), 2), std::pair(std::string("12"), std::optional(at(3))));
  EXPECT_EQ(collect(at(9), 4), std::pair(std::string("1239"), std::optional<UnixMillis>()));
}

TEST(ExpiryIndexTest, EverySlotWithVolatileKeysShowsItsEarliest) {
  TestShard shard;
  shard.RunLine("SET a v PX 500");
  shard.RunLine("SET {a}b v PX 200");
  shard.RunLine("SET b v PX 100");
  shard.RunLine("SET c v");
  const auto view = shard.store().View(kTestGroup).value();

  const std::vector<SlotExpiry> earliest = EarliestExpiries(*view).value();

  ASSERT_EQ(earliest.size(), 2);
  EXPECT_TRUE(std::ranges::is_sorted(earliest, {}, &SlotExpiry::slot));
  for (const SlotExpiry& slot : earliest) {
    EXPECT_EQ(slot.earliest.value - shard.now.value, slot.slot == SlotOf("a") ? 200 : 100);
  }
}

TEST(ExpiryIndexTest, AnIndexThatDisagreesWithTheDataIsCorruption) {
  TestShard shard;
  const std::string row = ExpiryRowKey(SlotOf("k"), UnixMillis{5}, "k");
  shard.store().Write(kTestGroup, {.clear_all_but_prefix = {}, .ops = {{row, ""}}});
  const auto orphan = shard.store().View(kTestGroup).value();
  EXPECT_EQ(CollectDueKeys(*orphan, SlotOf("k"), UnixMillis{5}, 10).error().code(),
            ErrorCode::kCorruption);

  shard.RunLine("SET k v PX 100");
  const auto contradiction = shard.store().View(kTestGroup).value();
  EXPECT_EQ(CollectDueKeys(*contradiction, SlotOf("k"), UnixMillis{5}, 10).error().code(),
            ErrorCode::kCorruption);
}

}  // namespace
}  // namespace seshat
