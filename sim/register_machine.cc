#include "register_machine.h"

#include <algorithm>
#include <utility>

#include "seshat/base/big_endian.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::size_t kCommandBytes = 4 * 8;
constexpr std::string_view kAppliedKey = "applied";

std::string RegisterKey(std::uint64_t key) {
  std::string row = "r";
  AppendBigEndian64(row, key);
  return row;
}

std::string EncodeNumber(std::uint64_t value) {
  std::string bytes;
  AppendBigEndian64(bytes, value);
  return bytes;
}

std::uint64_t Mix(std::uint64_t digest, std::uint64_t value) {
  return (digest ^ value) * 0x9e3779b97f4a7c15u ^ (digest >> 31);
}

}  // namespace

std::string EncodeCommand(const RegisterCommand& command) {
  std::string bytes;
  AppendBigEndian64(bytes, command.key);
  AppendBigEndian64(bytes, command.value);
  AppendBigEndian64(bytes, command.is_conditional ? 1 : 0);
  AppendBigEndian64(bytes, command.expected);
  return bytes;
}

std::uint64_t ReadRegister(const StateStore& store, GroupId group, std::uint64_t key) {
  const Result<Lookup> lookup = store.Get(group, RegisterKey(key), ReadTier::kAnywhere);
  SESHAT_CHECK(lookup.has_value());
  return lookup->outcome == Lookup::Outcome::kFound ? ReadBigEndian64(lookup->value) : 0;
}

RegisterMachine::RegisterMachine(StateStore& store, GroupId group,
                                 std::function<void(const AppliedFact&)> observer)
    : store_(store), group_(group), observer_(std::move(observer)) {
  const auto view = store_.View(group_);
  SESHAT_CHECK(view.has_value());
  const Status scanned = (*view)->Scan("", "\xff", [&](std::string_view key, std::string_view row) {
    if (key == kAppliedKey) {
      applied_ = LogIndex(ReadBigEndian64(row));
      clock_ = {static_cast<std::int64_t>(ReadBigEndian64(row.substr(8)))};
      digest_ = ReadBigEndian64(row.substr(16));
    } else {
      registers_[ReadBigEndian64(key.substr(1))] = ReadBigEndian64(row);
    }
    return true;
  });
  SESHAT_CHECK(scanned.has_value());
}

Result<RegisterResult> RegisterMachine::ApplyCommand(std::string_view command, StateBatch& batch) {
  if (command.size() != kCommandBytes) {
    return MakeError(ErrorCode::kCorruption, "not a register command");
  }
  const std::uint64_t key = ReadBigEndian64(command);
  const std::uint64_t value = ReadBigEndian64(command.substr(8));
  const bool is_conditional = ReadBigEndian64(command.substr(16)) != 0;
  const std::uint64_t expected = ReadBigEndian64(command.substr(24));

  std::uint64_t& stored = registers_[key];
  const RegisterResult result{!is_conditional || stored == expected, stored};
  if (result.is_stored) {
    stored = value;
    batch.ops.push_back({RegisterKey(key), EncodeNumber(value)});
  }
  digest_ = Mix(Mix(Mix(digest_, key), value), result.is_stored ? 1 : 2);
  return result;
}

Status RegisterMachine::Apply(std::vector<CommittedEntry> entries) {
  StateBatch batch;
  std::vector<std::pair<std::unique_ptr<ProposalWaiter>, RegisterResult>> results;
  for (CommittedEntry& entry : entries) {
    if (entry.index != applied_.Next()) {
      return MakeError(ErrorCode::kCorruption, "entries are applied out of order");
    }
    SESHAT_CHECK(entry.waiters.empty() || entry.waiters.size() == entry.commands.size());
    for (std::size_t i = 0; i < entry.commands.size(); ++i) {
      const Result<RegisterResult> result = ApplyCommand(entry.commands[i], batch);
      if (!result) return std::unexpected(result.error());
      if (!entry.waiters.empty()) results.emplace_back(std::move(entry.waiters[i]), *result);
    }
    clock_ = std::max(clock_, entry.stamp);
    applied_ = entry.index;
    digest_ = Mix(Mix(digest_, entry.index.value()), entry.term.value());
    observer_({entry.term, entry.index, digest_});
  }
  std::string applied_row = EncodeNumber(applied_.value());
  AppendBigEndian64(applied_row, static_cast<std::uint64_t>(clock_.value));
  AppendBigEndian64(applied_row, digest_);
  batch.ops.push_back({std::string(kAppliedKey), std::move(applied_row)});
  store_.Write(group_, std::move(batch));
  // Only this machine's own clients propose to it, so the waiters are of its own kind.
  for (auto& [waiter, result] : results) static_cast<RegisterWaiter&>(*waiter).OnResult(result);
  return {};
}

}  // namespace seshat
