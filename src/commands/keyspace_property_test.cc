// Random histories: whatever the batches, the same entries give the same bytes.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "random_commands.h"
#include "seshat/base/random.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/execution.h"
#include "seshat/commands/expiry_index.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/keyspace.h"
#include "seshat/commands/row_digest.h"
#include "test_shard.h"

namespace seshat {
namespace {

constexpr int kHistories = 150;
constexpr int kEntries = 60;

struct Entry {
  UnixMillis stamp;
  std::vector<std::string> commands;
};

// Applies entries as an applier does, with a batch after each entry that `ends_batch` picks.
// Threads: owned by its test.
class Replica {
 public:
  Replica() : keyspace_(std::in_place, store_, kTestGroup, AppliedState{}) {
    store_.AddGroup(kTestGroup);
  }

  std::vector<Reply> Apply(const Entry& entry, bool ends_batch) {
    std::vector<Reply> replies;
    const UnixMillis entry_time = keyspace_->BeginEntry(entry.stamp);
    for (const std::string& command : entry.commands) {
      const Revision before = keyspace_->applied().revision;
      replies.push_back(
          ApplyDataCommand(command, *keyspace_, entry_time, ReplicatedLimits{}, scratch_).value());
      EXPECT_EQ(keyspace_->applied().revision, before.Next());
    }
    ++index_;
    if (ends_batch) {
      store_.Write(kTestGroup, keyspace_->TakeBatch(LogIndex(index_), Term(1)).writes);
    }
    return replies;
  }

  // The expiry events that a leader would propose now.
  std::vector<std::string> DueEvents(UnixMillis now) const {
    const auto view = store_.View(kTestGroup).value();
    std::vector<std::string> events;
    const std::vector<SlotExpiry> slots = EarliestExpiries(*view).value();
    for (const SlotExpiry& slot : slots) {
      const DueKeys due = CollectDueKeys(*view, slot.slot, now, kExpiringKeysMax).value();
      std::vector<ExpiringKey> keys;
      for (const DueKey& key : due.keys) keys.push_back({key.key, key.expires_at, key.revision});
      events.push_back(EncodeExpireKeys(keys));
    }
    return events;
  }

  MemoryStateStore::Rows Rows() const { return store_.Contents(kTestGroup); }

  // Goes on from what is stored, as after a restart.
  void Restart() {
    keyspace_.emplace(store_, kTestGroup, ReadAppliedState(store_, kTestGroup).value());
  }

 private:
  MemoryStateStore store_;
  std::optional<Keyspace> keyspace_;
  DataCommand scratch_;
  std::uint64_t index_ = 0;
};

struct History {
  std::vector<Entry> entries;
  std::vector<std::vector<Reply>> replies;
  MemoryStateStore::Rows rows;
};

// One batch an entry; expiry events come from the state of that moment, sometimes too late.
History Record(std::uint64_t seed) {
  History history;
  RandomCommands commands(seed, RandomExpiries::kSoon);
  Random& random = commands.random();
  Replica replica;
  UnixMillis now{1'000'000};
  std::vector<std::string> delayed_events;
  for (int i = 0; i < kEntries; ++i) {
    // The stamp of a new leader may lie behind.
    now.value += static_cast<std::int64_t>(random.Below(20)) - 3;
    Entry entry{.stamp = now, .commands = std::exchange(delayed_events, {})};
    if (random.Chance(1, 3)) delayed_events = replica.DueEvents(now);
    for (std::uint64_t left = random.Below(6); left > 0; --left) {
      const std::vector<std::string> command = commands.NextWrite();
      const std::vector<std::string_view> arguments(command.begin(), command.end());
      entry.commands.push_back(EncodeClientCommand(arguments));
    }
    history.replies.push_back(replica.Apply(entry, true));
    history.entries.push_back(std::move(entry));
  }
  history.rows = replica.Rows();
  return history;
}

TEST(KeyspacePropertyTest, AnyPartitionIntoBatchesGivesTheSameRepliesAndTheSameBytes) {
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const History history = Record(seed);
    Random random(seed * 7919);
    Replica replica;

    for (int i = 0; i < kEntries; ++i) {
      const bool ends_batch = i + 1 == kEntries || random.Chance(1, 5);
      ASSERT_EQ(replica.Apply(history.entries[i], ends_batch), history.replies[i]);
    }

    ASSERT_EQ(replica.Rows(), history.rows);
  }
}

TEST(KeyspacePropertyTest, ARestartBetweenBatchesChangesNothing) {
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const History history = Record(seed);
    Random random(seed * 104729);
    Replica replica;

    for (const Entry& entry : history.entries) {
      replica.Apply(entry, true);
      if (random.Chance(1, 4)) replica.Restart();
    }

    ASSERT_EQ(replica.Rows(), history.rows);
  }
}

TEST(KeyspacePropertyTest, CountIndexAndRevisionsAgreeWithTheDataAtEveryStep) {
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const History history = Record(seed);
    Replica replica;

    for (const Entry& entry : history.entries) {
      replica.Apply(entry, true);
      ASSERT_EQ(InconsistencyOf(replica.Rows()), "");
    }
  }
}

TEST(KeyspacePropertyTest, TheDigestIsTheSumOfTheRows) {
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::uint64_t sum = 0;
    std::optional<std::uint64_t> digest;

    for (const auto& [row_key, value] : Record(seed).rows) {
      if (row_key == kAppliedRowKey) {
        digest = DecodeAppliedState(value).value().digest;
      } else if (!ParseExpiryRowKey(row_key)) {
        sum += HashRow(row_key, value);
      }
    }

    ASSERT_EQ(digest, sum);
  }
}

TEST(KeyspacePropertyTest, ExpiryChangesAreExactlyWhatHappensToTheIndex) {
  for (std::uint64_t seed = 1; seed <= kHistories; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const History history = Record(seed);
    MemoryStateStore store;
    store.AddGroup(kTestGroup);
    Keyspace keyspace(store, kTestGroup, AppliedState{});
    DataCommand scratch;
    std::multiset<std::pair<Slot, UnixMillis>> followed;

    for (int i = 0; i < kEntries; ++i) {
      const UnixMillis entry_time = keyspace.BeginEntry(history.entries[i].stamp);
      for (const std::string& command : history.entries[i].commands) {
        ASSERT_TRUE(ApplyDataCommand(command, keyspace, entry_time, {}, scratch).has_value());
      }
      KeyspaceBatch batch = keyspace.TakeBatch(LogIndex(i + 1), Term(1));
      if (batch.cleared) followed.clear();
      for (const ExpiryChange& change : batch.expiry_changes) {
        const std::pair place(change.slot, change.expires_at);
        if (change.kind == ExpiryChange::Kind::kAdded) {
          followed.insert(place);
        } else {
          ASSERT_TRUE(followed.contains(place));
          followed.extract(place);
        }
      }
      store.Write(kTestGroup, std::move(batch.writes));
    }

    std::multiset<std::pair<Slot, UnixMillis>> stored;
    for (const auto& [row_key, value] : store.Contents(kTestGroup)) {
      if (const auto row = ParseExpiryRowKey(row_key)) stored.emplace(row->slot, row->expires_at);
    }
    ASSERT_EQ(followed, stored);
  }
}

}  // namespace
}  // namespace seshat
