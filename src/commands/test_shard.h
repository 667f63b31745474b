// One shard without a cluster: commands run one after the other over an in-memory store, as a
// leader that is always right would run them. For tests only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/time.h"
#include "seshat/commands/keyspace.h"
#include "seshat/commands/replicated_limits.h"
#include "seshat/resp/reply.h"
#include "support/memory_state_store.h"

namespace seshat {

inline constexpr GroupId kTestGroup = kFirstDataGroup;

// Threads: owned by its test.
class TestShard {
 public:
  TestShard();

  // Runs a command as a client's, from look-up to reply: reads when nothing is in flight, and
  // writes in an entry and a batch of their own. Errors between layers fail the test.
  Reply Run(const std::vector<std::string>& arguments);
  // The same, over a line as a person types it: words, or "quoted \x00 text".
  Reply RunLine(std::string_view line);

  // Removes what is due, as the expiry events of a leader do. Returns how many keys went.
  std::int64_t ExpireDue();

  UnixMillis now{1'000'000};
  ReplicatedLimits limits;

  MemoryStateStore& store() { return store_; }
  const AppliedState& applied() const { return keyspace_.applied(); }
  // What the last write did to the expiry index.
  const std::vector<ExpiryChange>& expiry_changes() const { return expiry_changes_; }

  // Empty, or what is wrong with the stored state: the key count, the expiry index, a revision
  // from the future.
  std::string Inconsistency() const;

 private:
  void Flush();

  MemoryStateStore store_;
  Keyspace keyspace_;
  std::uint64_t index_ = 0;
  std::vector<ExpiryChange> expiry_changes_;
};

// Empty, or what is wrong with a group's rows.
std::string InconsistencyOf(const MemoryStateStore::Rows& rows);

std::vector<std::string> SplitLine(std::string_view line);

// A reply as text: one value a line, elements indented below their count.
std::string ToText(const Reply& reply);

}  // namespace seshat
