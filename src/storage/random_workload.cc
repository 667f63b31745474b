#include "random_workload.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <utility>

#include "seshat/storage/identity_file.h"

namespace seshat {
namespace {

constexpr std::string_view kAppliedKey = "~applied";
constexpr std::string_view kKeptPrefix = "~";

std::unexpected<Error> Broken(std::string what) {
  return MakeError(ErrorCode::kFailedPrecondition, std::move(what));
}

// The number that a row begins with; 0 when there is no row.
std::uint64_t NumberIn(const std::optional<std::string>& row) {
  std::uint64_t number = 0;
  if (row) std::from_chars(row->data(), row->data() + row->size(), number);
  return number;
}

}  // namespace

std::uint64_t NumberFromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::stoull(value);
}

void RandomWorkload::WriteOnce(StorageEngine& engine) {
  WriteLog(engine, groups_.begin()->first, groups_.begin()->second);
}

void RandomWorkload::Run(StorageEngine& engine, int steps, Pace pace) {
  for (int i = 0; i < steps && !Over(); ++i) {
    if (groups_.empty()) {
      CreateGroup(engine);
      continue;
    }
    auto group = groups_.begin();
    std::advance(group, static_cast<std::ptrdiff_t>(random_.Below(groups_.size())));
    if (pace == Pace::kOneByOne) AwaitPromises();
    const std::uint64_t choice = random_.Below(100);
    if (choice < 45) {
      WriteLog(engine, group->first, group->second);
    } else if (choice < 75) {
      WriteState(engine, group->first, group->second, false);
    } else if (choice < 80) {
      WriteState(engine, group->first, group->second, true);
    } else if (choice < 83) {
      CreateGroup(engine);
    } else if (choice < 86) {
      NamePeer(engine);
    } else if (choice < 88) {
      WriteNextIdentity();
    } else {
      AwaitPromises();
    }
  }
}

std::string RandomWorkload::RandomBytes() {
  const std::uint64_t sizes[] = {1, 200, 200, 200, 5000, 20'000};
  std::string bytes(random_.Below(sizes[random_.Below(std::size(sizes))]) + 1, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_.Next());
  return bytes;
}

void RandomWorkload::CreateGroup(StorageEngine& engine) {
  for (const GroupId id : {kSystemGroup, kFirstDataGroup, GroupId(7)}) {
    if (groups_.contains(id)) continue;
    Group& group = groups_[id];
    group.snapshot_row = RandomBytes();
    group.promised = engine.log().CreateGroup(id, group.snapshot_row) && !Over();
    return;
  }
}

void RandomWorkload::WriteLog(StorageEngine& engine, GroupId id, Group& group) {
  LogWrite write{.group = id, .truncate_from = {}, .records = {}, .state_row = {}};
  const std::size_t number = group.writes.size() + 1;
  write.state_row = fmt::format("{} {}", number, random_.Next());
  LogIndex next(LogAfter(group, group.writes.size()).size() + 1);
  const LogIndex applied =
      group.batches_applied.empty() ? LogIndex(0) : group.batches_applied.back();
  if (random_.Chance(1, 5) && next.Previous() > applied) {
    const std::uint64_t last_kept = next.value() - 1 - applied.value();
    next = LogIndex(next.value() - 1 - random_.Below(std::min<std::uint64_t>(last_kept, 8)));
    write.truncate_from = next;
  }
  for (std::uint64_t i = random_.Below(4); i > 0; --i, next = next.Next()) {
    write.records.push_back({.index = next, .value = RandomBytes()});
  }
  group.writes.push_back(write);
  {
    const MutexLock lock(mutex_);
    ++issued_;
  }
  engine.log().Write(std::move(write), [this, &group, number] {
    const bool promised = !disk_.power_is_off();
    const MutexLock lock(mutex_);
    if (promised) group.writes_promised = number;
    ++acknowledged_;
    changed_.NotifyAll();
  });
}

void RandomWorkload::WriteState(StorageEngine& engine, GroupId id, Group& group, bool clear) {
  std::size_t durable_writes = 0;
  {
    const MutexLock lock(mutex_);
    durable_writes = group.writes_promised;
  }
  // A record that a later write has truncated must not be applied, although it is durable.
  const std::vector<std::string> durable = LogAfter(group, durable_writes);
  const std::vector<std::string> issued = LogAfter(group, group.writes.size());
  const auto differ = std::ranges::mismatch(durable, issued).in1;
  const auto applied = LogIndex(static_cast<std::uint64_t>(differ - durable.begin()));
  StateBatch batch;
  if (clear) batch.clear_all_but_prefix = kKeptPrefix;
  batch.ops.push_back(
      {.key = std::string(kAppliedKey), .value = fmt::format("{}", group.batches.size() + 1)});
  for (std::uint64_t i = random_.Below(8); i > 0; --i) {
    const std::string key =
        fmt::format("{}{}", random_.Chance(1, 10) ? kKeptPrefix : "key", random_.Below(50));
    if (random_.Chance(1, 4)) {
      batch.ops.push_back({.key = key, .value = std::nullopt});
    } else {
      batch.ops.push_back({.key = key, .value = RandomBytes()});
    }
  }
  group.batches.push_back(batch);
  group.batches_applied.push_back(applied);
  engine.state().Write(id, std::move(batch));
  if (clear && !Over()) group.batches_promised = group.batches.size();
}

void RandomWorkload::NamePeer(StorageEngine& engine) {
  const NodeId peer(random_.Below(3) + 2);
  const std::string store_id = fmt::format("store {}", random_.Next());
  if (engine.ReplacePeer(peer, store_id) && !Over()) {
    peers_[peer] = store_id;
    unsure_of_peers_.erase(peer);
  } else {
    unsure_of_peers_[peer].push_back(store_id);
  }
}

void RandomWorkload::WriteNextIdentity() {
  const NodeIdentity identity{.node_id = NodeId(++identities_),
                              .cluster_id = {},
                              .store_id = std::string(16, 's'),
                              .bootstrap_hash = {}};
  if (WriteIdentity(data_dir_, identity) && !Over()) identities_promised_ = identities_;
}

void RandomWorkload::AwaitPromises() {
  const MutexLock lock(mutex_);
  while (acknowledged_ < issued_ && stops_.empty()) changed_.Wait(mutex_);
}

bool RandomWorkload::Over() const {
  if (disk_.power_is_off()) return true;
  const MutexLock lock(mutex_);
  return !stops_.empty();
}

void RandomWorkload::StopNode(const Error& why) {
  const MutexLock lock(mutex_);
  stops_.push_back(why);
  changed_.NotifyAll();
}

void RandomWorkload::ForgetStop() {
  const MutexLock lock(mutex_);
  stops_.clear();
  issued_ = acknowledged_;
}

std::vector<Error> RandomWorkload::stops() const {
  const MutexLock lock(mutex_);
  return stops_;
}

std::uint64_t RandomWorkload::acknowledged() const {
  const MutexLock lock(mutex_);
  return acknowledged_;
}

std::vector<std::string> RandomWorkload::LogAfter(const Group& group, std::size_t writes) {
  std::vector<std::string> log;
  for (std::size_t i = 0; i < writes; ++i) {
    const LogWrite& write = group.writes[i];
    if (write.truncate_from) log.resize(write.truncate_from->value() - 1);
    for (const LogRecord& record : write.records) log.push_back(record.value);
  }
  return log;
}

RandomWorkload::Rows RandomWorkload::StateAfter(const Group& group, std::size_t batches) {
  Rows rows;
  for (std::size_t i = 0; i < batches; ++i) {
    const StateBatch& batch = group.batches[i];
    if (batch.clear_all_but_prefix) {
      std::erase_if(rows, [](const auto& row) { return !row.first.starts_with(kKeptPrefix); });
    }
    for (const StateOp& op : batch.ops) {
      if (op.value) {
        rows[op.key] = *op.value;
      } else {
        rows.erase(op.key);
      }
    }
  }
  return rows;
}

Status RandomWorkload::Verify(StorageEngine& engine) {
  const std::vector<GroupId> found = engine.log().Groups();
  for (const GroupId id : found) {
    if (!groups_.contains(id)) return Broken(fmt::format("group {} from nowhere", id.value()));
  }
  for (auto it = groups_.begin(); it != groups_.end();) {
    auto& [id, group] = *it;
    if (std::ranges::find(found, id) == found.end()) {
      if (group.promised) return Broken(fmt::format("group {} is lost", id.value()));
      it = groups_.erase(it);
      continue;
    }
    group.promised = true;
    if (Status log = VerifyLog(engine, id, group); !log) return log;
    if (Status state = VerifyState(engine, id, group); !state) return state;
    ++it;
  }
  return VerifyPeers(engine);
}

Status RandomWorkload::VerifyLog(StorageEngine& engine, GroupId id, Group& group) {
  Result<LogContents> contents = engine.log().Load(id);
  if (!contents) return std::unexpected(contents.error());
  const std::uint64_t number = NumberIn(contents->state_row);
  if (number < group.writes_promised || number > group.writes.size()) {
    return Broken(fmt::format("the log of group {} reaches to write {}, promised {}, written {}",
                              id.value(), number, group.writes_promised, group.writes.size()));
  }
  const std::vector<std::string> expected = LogAfter(group, number);
  if (number > 0 && contents->state_row != group.writes[number - 1].state_row) {
    return Broken(fmt::format("the state row of group {} is not what was written", id.value()));
  }
  if (contents->snapshot_row != group.snapshot_row) {
    return Broken(fmt::format("the snapshot row of group {} is not what was written", id.value()));
  }
  if (contents->first_index != LogIndex(1) || contents->last_index != LogIndex(expected.size())) {
    return Broken(fmt::format("the log of group {} ends at {}, expected {}", id.value(),
                              contents->last_index.value(), expected.size()));
  }
  group.writes.resize(number);
  group.writes_promised = number;
  if (expected.empty()) return {};
  Result<std::vector<LogRecord>> records =
      engine.log().Read(id, LogIndex(1), contents->last_index.Next(), ~std::size_t{0});
  if (!records) return std::unexpected(records.error());
  const auto value = [](const LogRecord& record) -> const std::string& { return record.value; };
  if (!std::ranges::equal(*records, expected, {}, value)) {
    return Broken(fmt::format("the log of group {} is not what was written", id.value()));
  }
  return {};
}

Status RandomWorkload::VerifyState(StorageEngine& engine, GroupId id, Group& group) {
  Result<std::unique_ptr<StateView>> view = engine.state().View(id);
  if (!view) return std::unexpected(view.error());
  Rows rows;
  const Status scanned =
      (*view)->Scan("", "\xff", [&rows](std::string_view key, std::string_view value) {
        rows.emplace(key, value);
        return true;
      });
  if (!scanned) return scanned;
  const auto applied = rows.find(kAppliedKey);
  const std::uint64_t number = applied == rows.end() ? 0 : NumberIn(applied->second);
  if (number < group.batches_promised || number > group.batches.size()) {
    return Broken(fmt::format("the state of group {} reaches to batch {}, promised {}, written {}",
                              id.value(), number, group.batches_promised, group.batches.size()));
  }
  const Rows expected = StateAfter(group, number);
  if (rows != expected) {
    const auto [found, missed] = std::ranges::mismatch(rows, expected);
    return Broken(fmt::format(
        "the state of group {} after batch {} is not what was written: has {} first, expected {}",
        id.value(), number, found == rows.end() ? "nothing" : found->first,
        missed == expected.end() ? "nothing" : missed->first));
  }
  for (const auto& [key, value] : rows) {
    Result<Lookup> lookup = engine.state().Get(id, key, ReadTier::kAnywhere);
    if (!lookup) return std::unexpected(lookup.error());
    if (lookup->outcome != Lookup::Outcome::kFound || lookup->value != value) {
      return Broken(fmt::format("the key {} of group {} is not found by itself", key, id.value()));
    }
  }
  group.batches.resize(number);
  group.batches_applied.resize(number);
  group.batches_promised = number;
  const LogIndex last(LogAfter(group, group.writes.size()).size());
  if (number > 0 && group.batches_applied.back() > last) {
    return Broken(fmt::format("the state of group {} is ahead of its log", id.value()));
  }
  return {};
}

Status RandomWorkload::VerifyPeers(StorageEngine& engine) {
  for (const auto& [peer, promised] : peers_) {
    Result<std::string> known = engine.RememberPeer(peer, "unknown");
    if (!known) return std::unexpected(known.error());
    const std::vector<std::string>& others = unsure_of_peers_[peer];
    if (*known != promised && std::ranges::find(others, *known) == others.end()) {
      return Broken(fmt::format("peer {} is known as \"{}\", promised \"{}\"", peer.value(), *known,
                                promised));
    }
    peers_[peer] = *known;
  }
  unsure_of_peers_.clear();
  return {};
}

Status RandomWorkload::VerifyIdentity() {
  Result<std::optional<NodeIdentity>> identity = ReadIdentity(data_dir_);
  if (!identity) return std::unexpected(identity.error());
  const std::uint64_t number = identity->has_value() ? (*identity)->node_id.value() : 0;
  if (number < identities_promised_ || number > identities_) {
    return Broken(fmt::format("IDENTITY {} is there, promised {}", number, identities_promised_));
  }
  identities_promised_ = number;
  return {};
}

}  // namespace seshat
