#include "test_shard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "seshat/base/check.h"
#include "seshat/commands/applied_state.h"
#include "seshat/commands/command_inspection.h"
#include "seshat/commands/command_table.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/execution.h"
#include "seshat/commands/expiry_index.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/read_execution.h"
#include "seshat/commands/stored_value.h"
#include "seshat/commands/validation.h"
#include "support/golden_file.h"

namespace seshat {
namespace {

constexpr std::size_t kReplyBytesMax = std::size_t{64} << 20;

template <typename T>
T Must(Result<T> result) {
  SESHAT_CHECK_MSG(result.has_value(), result.error().message());
  return *std::move(result);
}

Reply Read(const CommandSpec& spec, Arguments arguments, TestShard& shard) {
  const KeyspaceReader reader(shard.store(), kTestGroup, ReadTier::kAnywhere);
  while (true) {
    ReadOutcome outcome = Must(ExecuteRead(spec, arguments, reader, shard.now, kReplyBytesMax));
    if (outcome.kind == ReadOutcome::Kind::kReply) return std::move(outcome.reply);
    SESHAT_CHECK(outcome.kind == ReadOutcome::Kind::kKeyDue && shard.ExpireDue() > 0);
  }
}

}  // namespace

TestShard::TestShard() : keyspace_(store_, kTestGroup, AppliedState{}) {
  store_.AddGroup(kTestGroup);
}

Reply TestShard::Run(const std::vector<std::string>& words) {
  const std::vector<std::string_view> arguments(words.begin(), words.end());
  const auto spec = ResolveCommand(arguments);
  if (!spec.has_value()) return spec.error();
  if (auto error = ValidateCommand(**spec, arguments, limits)) return *std::move(error);
  switch ((*spec)->kind) {
    case CommandKind::kRead:
      return Read(**spec, arguments, *this);
    case CommandKind::kWrite: {
      DataCommand scratch;
      Reply reply = Must(ApplyDataCommand(EncodeClientCommand(arguments), keyspace_,
                                          keyspace_.BeginEntry(now), limits, scratch));
      Flush();
      return reply;
    }
    default:
      return ExecuteCommandInspection(**spec, arguments);
  }
}

Reply TestShard::RunLine(std::string_view line) {
  return Run(SplitLine(line));
}

std::int64_t TestShard::ExpireDue() {
  const auto view = Must(store_.View(kTestGroup));
  std::int64_t removed = 0;
  for (const SlotExpiry& slot : Must(EarliestExpiries(*view))) {
    if (slot.earliest > now) continue;
    const DueKeys due = Must(CollectDueKeys(*view, slot.slot, now, kExpiringKeysMax));
    std::vector<ExpiringKey> keys;
    for (const DueKey& key : due.keys) keys.push_back({key.key, key.expires_at, key.revision});
    DataCommand scratch;
    const Reply reply = Must(ApplyDataCommand(EncodeExpireKeys(keys), keyspace_,
                                              keyspace_.BeginEntry(now), limits, scratch));
    Flush();
    removed += reply.integer;
  }
  return removed;
}

std::string TestShard::Inconsistency() const {
  return InconsistencyOf(store_.Contents(kTestGroup));
}

void TestShard::Flush() {
  KeyspaceBatch batch = keyspace_.TakeBatch(LogIndex(++index_), Term(1));
  expiry_changes_ = std::move(batch.expiry_changes);
  store_.Write(kTestGroup, std::move(batch.writes));
}

std::string InconsistencyOf(const MemoryStateStore::Rows& rows) {
  std::uint64_t key_count = 0;
  std::map<std::string, UnixMillis, std::less<>> volatile_keys;
  std::map<std::string, UnixMillis, std::less<>> indexed_keys;
  AppliedState applied;
  Revision newest;
  for (const auto& [row_key, bytes] : rows) {
    if (row_key == kAppliedRowKey) {
      applied = Must(DecodeAppliedState(bytes));
    } else if (const auto data = ParseDataRowKey(row_key)) {
      ++key_count;
      const ValueView value = Must(DecodeValueView(row_key, bytes));
      newest = std::max(newest, value.revision);
      if (value.expires_at.has_value()) {
        volatile_keys.emplace(data->user_key, *value.expires_at);
      }
    } else {
      const ExpiryRow expiry = Must(ParseExpiryRowKey(row_key));
      const bool fresh = indexed_keys.emplace(expiry.user_key, expiry.expires_at).second;
      if (!fresh) return fmt::format("{} is in the expiry index twice", expiry.user_key);
    }
  }
  if (key_count != applied.key_count) {
    return fmt::format("{} keys, but key_count is {}", key_count, applied.key_count);
  }
  if (volatile_keys != indexed_keys) return "the expiry index is not the set of volatile keys";
  if (newest > applied.revision) return "a value has a revision that was not given yet";
  return "";
}

std::vector<std::string> SplitLine(std::string_view line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = line.find_first_not_of(' ', at)) != std::string_view::npos) {
    const bool quoted = line[at] == '"';
    std::size_t end = quoted ? at + 1 : std::min(line.find(' ', at), line.size());
    while (quoted && line.at(end) != '"') end += line[end] == '\\' ? 2 : 1;
    const std::string_view word = line.substr(at, end - at);
    words.push_back(quoted ? UnescapeGolden(std::string(word.substr(1))) : std::string(word));
    at = quoted ? end + 1 : end;
  }
  return words;
}

std::string ToText(const Reply& reply) {
  switch (reply.type) {
    case Reply::Type::kSimpleString:
      return "+" + reply.text + "\n";
    case Reply::Type::kError:
      return "-" + reply.text + "\n";
    case Reply::Type::kInteger:
      return fmt::format(":{}\n", reply.integer);
    case Reply::Type::kBulkString:
      return fmt::format("\"{}\"\n", EscapeGolden(reply.text));
    case Reply::Type::kNull:
      return "(nil)\n";
    default:
      break;
  }
  std::string text = fmt::format("{}{}\n",
                                 reply.type == Reply::Type::kMap   ? '%'
                                 : reply.type == Reply::Type::kSet ? '~'
                                                                   : '*',
                                 reply.items.size());
  for (const Reply& item : reply.items) {
    const std::string lines = ToText(item);
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at) + 1;
      text += "  " + lines.substr(at, end - at);
      at = end;
    }
  }
  return text;
}

}  // namespace seshat
