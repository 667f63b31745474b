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
    if (choice < 40) {
      WriteLog(engine, group->first, group->second);
    } else if (choice < 45) {
      CompactLog(engine, group->first, group->second);
    } else if (choice < 69) {
      WriteState(engine, group->first, group->second, false);
    } else if (choice < 72) {
      InstallState(engine, group->first, group->second);
    } else if (choice < 75) {
      KeepSnapshot(engine);
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
  const Log log = LogAfter(group, group.writes.size());
  LogIndex next = log.last().Next();
  const LogIndex applied =
      std::max(log.first.Previous(),
               group.batches_applied.empty() ? LogIndex(0) : group.batches_applied.back());
  if (random_.Chance(1, 5) && next.Previous() > applied) {
    const std::uint64_t last_kept = next.value() - 1 - applied.value();
    next = LogIndex(next.value() - 1 - random_.Below(std::min<std::uint64_t>(last_kept, 8)));
    write.truncate_from = next;
  }
  for (std::uint64_t i = random_.Below(4); i > 0; --i, next = next.Next()) {
    write.records.push_back({.index = next, .value = RandomBytes()});
  }
  Issue(engine, group, std::move(write));
}

void RandomWorkload::Issue(StorageEngine& engine, Group& group, LogWrite write) {
  const std::size_t number = group.writes.size() + 1;
  write.state_row = fmt::format("{} {}", number, random_.Next());
  group.writes.push_back(write);
  group.writes.back().install.reset();
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

void RandomWorkload::CompactLog(StorageEngine& engine, GroupId id, Group& group) {
  if (random_.Chance(1, 2)) engine.log().RemoveCompacted(id);
  // Only what the state holds for good is no longer needed in the log.
  if (group.batches_promised == 0) return;
  const LogIndex first = LogAfter(group, group.writes.size()).first;
  const LogIndex durable = group.batches_applied[group.batches_promised - 1];
  if (durable < first) return;
  LogWrite write{.group = id, .truncate_from = {}, .records = {}, .state_row = {}};
  write.start = LogStart{
      .first_index =
          LogIndex(durable.value() + 1 - random_.Below(durable.value() + 1 - first.value() + 1)),
      .snapshot_row = RandomBytes()};
  Issue(engine, group, std::move(write));
}

void RandomWorkload::InstallState(StorageEngine& engine, GroupId id, Group& group) {
  StateBatch rows;
  rows.clear_all_but_prefix = "";  // for the model: nothing is kept
  for (std::uint64_t key = 10; key < 20; ++key) {
    if (random_.Chance(1, 2))
      rows.ops.push_back({.key = fmt::format("key{}", key), .value = RandomBytes()});
  }
  rows.ops.push_back(
      {.key = std::string(kAppliedKey), .value = fmt::format("{}", group.batches.size() + 1)});
  Result<std::unique_ptr<IncomingState>> begun = engine.snapshots().BeginIncoming(id);
  was_refused_ = was_refused_ || !begun;
  if (!begun) return;
  std::shared_ptr<IncomingState> state = *std::move(begun);
  Status arrived;
  for (const StateOp& op : rows.ops) {
    if (arrived) arrived = state->Add(op.key, *op.value);
  }
  if (arrived) arrived = state->Finish();
  was_refused_ = was_refused_ || !arrived;
  if (!arrived || random_.Chance(1, 5)) return;
  const LogIndex last = LogAfter(group, group.writes.size()).last();
  LogWrite write{.group = id, .truncate_from = {}, .records = {}, .state_row = {}};
  write.install = std::move(state);
  write.start = LogStart{.first_index = LogIndex(last.value() + 1 + random_.Below(5)),
                         .snapshot_row = RandomBytes()};
  group.batches.push_back(std::move(rows));
  group.batches_applied.push_back(write.start->first_index.Previous());
  group.installations[group.writes.size() + 1] = group.batches.size();
  const std::size_t number = group.batches.size();
  Issue(engine, group, std::move(write));
  AwaitPromises();  // nobody may write the state meanwhile
  if (!Over()) group.batches_promised = number;
}

void RandomWorkload::KeepSnapshot(StorageEngine& engine) {
  Result<std::shared_ptr<Snapshot>> taken = engine.snapshots().Take({.value = 0});
  was_refused_ = was_refused_ || !taken;
  if (!taken) return;
  Shown shown;
  std::vector<GroupSnapshot> groups;
  for (const GroupSnapshot& held : (*taken)->groups()) {
    Result<std::unique_ptr<StateView>> view = (*taken)->View(held.group);
    if (!view) return;
    Result<Lookup> applied = (*view)->Get(kAppliedKey, ReadTier::kAnywhere);
    if (!applied) return;
    const bool found = applied->outcome == Lookup::Outcome::kFound;
    shown[held.group] = NumberIn(found ? std::optional(applied->value) : std::nullopt);
    groups.push_back({.group = held.group, .metadata = fmt::format("{}", shown[held.group])});
  }
  // What a snapshot shows is durable in the database too.
  if (Over()) return;
  for (const auto& [id, batches] : shown) groups_.at(id).batches_promised = batches;
  shown_[++snapshots_] = shown;
  const bool is_kept = engine.snapshots()
                           .Keep(*std::move(taken), LogIndex(snapshots_), std::move(groups))
                           .has_value();
  was_refused_ = was_refused_ || !is_kept;
  if (is_kept && !Over()) snapshots_promised_ = snapshots_;
}

void RandomWorkload::WriteState(StorageEngine& engine, GroupId id, Group& group, bool clear) {
  std::size_t durable_writes = 0;
  {
    const MutexLock lock(mutex_);
    durable_writes = group.writes_promised;
  }
  // A record that a later write has truncated must not be applied, although it is durable.
  Log durable = LogAfter(group, durable_writes);
  const Log issued = LogAfter(group, group.writes.size());
  // A compaction that is not durable yet takes nothing away that is to be applied.
  const std::uint64_t compacted = issued.first.value() - durable.first.value();
  durable.values.erase(durable.values.begin(),
                       durable.values.begin() + static_cast<std::ptrdiff_t>(compacted));
  const auto differ = std::ranges::mismatch(durable.values, issued.values).in1;
  const auto applied = LogIndex(issued.first.value() - 1 +
                                static_cast<std::uint64_t>(differ - durable.values.begin()));
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

void RandomWorkload::AwaitStop() {
  const MutexLock lock(mutex_);
  while (stops_.empty()) changed_.Wait(mutex_);
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

RandomWorkload::Log RandomWorkload::LogAfter(const Group& group, std::size_t writes) {
  Log log{.first = LogIndex(1), .values = {}, .snapshot_row = group.snapshot_row};
  for (std::size_t i = 0; i < writes; ++i) {
    const LogWrite& write = group.writes[i];
    if (write.start) {
      const LogIndex first = write.start->first_index;
      const std::uint64_t gone = first.value() - log.first.value();
      log.values.erase(log.values.begin(),
                       log.values.begin() + static_cast<std::ptrdiff_t>(
                                                std::min<std::uint64_t>(gone, log.values.size())));
      log.first = first;
      log.snapshot_row = write.start->snapshot_row;
    }
    if (write.truncate_from) log.values.resize(write.truncate_from->value() - log.first.value());
    for (const LogRecord& record : write.records) log.values.push_back(record.value);
  }
  return log;
}

RandomWorkload::Rows RandomWorkload::StateAfter(const Group& group, std::size_t batches) {
  Rows rows;
  for (std::size_t i = 0; i < batches; ++i) {
    const StateBatch& batch = group.batches[i];
    if (batch.clear_all_but_prefix) {
      std::erase_if(rows, [&](const auto& row) {
        return batch.clear_all_but_prefix->empty() ||
               !row.first.starts_with(*batch.clear_all_but_prefix);
      });
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
  if (Status snapshots = VerifySnapshots(engine); !snapshots) return snapshots;
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
  const Log expected = LogAfter(group, number);
  if (number > 0 && contents->state_row != group.writes[number - 1].state_row) {
    return Broken(fmt::format("the state row of group {} is not what was written", id.value()));
  }
  if (contents->snapshot_row != expected.snapshot_row) {
    return Broken(fmt::format("the snapshot row of group {} is not what was written", id.value()));
  }
  if (contents->first_index != expected.first || contents->last_index != expected.last()) {
    return Broken(fmt::format("the log of group {} is {}-{}, expected {}-{}", id.value(),
                              contents->first_index.value(), contents->last_index.value(),
                              expected.first.value(), expected.last().value()));
  }
  group.writes.resize(number);
  group.writes_promised = number;
  if (expected.values.empty()) return {};
  Result<std::vector<LogRecord>> records =
      engine.log().Read(id, expected.first, contents->last_index.Next(), ~std::size_t{0});
  if (!records) return std::unexpected(records.error());
  const auto value = [](const LogRecord& record) -> const std::string& { return record.value; };
  if (!std::ranges::equal(*records, expected.values, {}, value)) {
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
  // A state is there exactly if the write that installed it is.
  for (const auto& [write, batch] : group.installations) {
    if ((write <= group.writes.size()) != (batch <= number)) {
      return Broken(
          fmt::format("write {} of group {} and the state that it installed, batch {}, "
                      "are not both there or both gone",
                      write, id.value(), batch));
    }
  }
  std::erase_if(group.installations,
                [&](const auto& one) { return one.first > group.writes.size(); });
  group.batches.resize(number);
  group.batches_applied.resize(number);
  group.batches_promised = number;
  const LogIndex last = LogAfter(group, group.writes.size()).last();
  if (number > 0 && group.batches_applied.back() > last) {
    return Broken(fmt::format("the state of group {} is ahead of its log", id.value()));
  }
  return {};
}

Status RandomWorkload::VerifySnapshots(StorageEngine& engine) {
  const std::vector<std::shared_ptr<const Snapshot>> kept = engine.snapshots().Kept();
  std::uint64_t newest = 0;
  for (const std::shared_ptr<const Snapshot>& snapshot : kept) {
    const std::string& name = snapshot->name();
    const std::uint64_t index = NumberIn(name.substr(name.rfind('-') + 1));
    newest = std::max(newest, index);
    const auto shown = shown_.find(index);
    if (shown == shown_.end()) return Broken(fmt::format("{} is from nowhere", name));
    for (const GroupSnapshot& held : snapshot->groups()) {
      const std::size_t batches = shown->second.at(held.group);
      const Group& group = groups_.at(held.group);
      if (held.metadata != fmt::format("{}", batches) || batches > group.batches.size()) {
        return Broken(fmt::format("{} has metadata \"{}\" of group {}, which has {} batches", name,
                                  held.metadata, held.group.value(), group.batches.size()));
      }
      Result<std::unique_ptr<StateView>> view = snapshot->View(held.group);
      if (!view) return std::unexpected(view.error());
      Rows rows;
      Status scanned = (*view)->Scan("", "\xff", [&](std::string_view key, std::string_view value) {
        rows.emplace(key, value);
        return true;
      });
      if (!scanned) return scanned;
      if (rows != StateAfter(group, batches)) {
        return Broken(fmt::format("{} does not show batch {} of group {}", name, batches,
                                  held.group.value()));
      }
    }
  }
  // One that is damaged is not listed, and said so.
  if (newest < snapshots_promised_ && engine.open_report().unusable_snapshots.empty()) {
    return Broken(fmt::format("snapshot {} is lost", snapshots_promised_));
  }
  snapshots_promised_ = newest;
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
