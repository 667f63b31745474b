#include "core_harness.h"

#include <algorithm>

#include "seshat/base/check.h"

namespace seshat {

using std::chrono::milliseconds;

// Any time but 0, which stands for "never" in places.
constexpr Duration kBoot = std::chrono::seconds(1000);

std::string TextOf(const Entry& entry) {
  return entry.data ? *entry.data : std::string();
}

Entry MakeEntry(std::uint64_t term, std::uint64_t index, const std::string& text) {
  Entry entry;
  entry.term = Term(term);
  entry.index = LogIndex(index);
  entry.data = std::make_shared<const std::string>(text);
  return entry;
}

Entry MakeConfigEntry(std::uint64_t term, std::uint64_t index, Configuration configuration) {
  Entry entry = MakeEntry(term, index);
  entry.type = EntryType::kConfig;
  entry.configuration = std::make_shared<const Configuration>(std::move(configuration));
  return entry;
}

void HarnessDisk::Write(const Ready& ready) {
  if (ready.install) {
    ASSERT_GT(ready.install->index, snapshot.index);
    snapshot = *ready.install;
    entries.clear();
  }
  if (ready.compact) {
    ASSERT_LE(ready.compact->index, last());
    const std::uint64_t cut_off = ready.compact->index.value() - snapshot.index.value();
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(cut_off));
    snapshot = *ready.compact;
  }
  if (ready.truncate_from) {
    ASSERT_GT(*ready.truncate_from, snapshot.index);
    ASSERT_LE(*ready.truncate_from, last().Next());
    entries.resize(ready.truncate_from->value() - snapshot.index.value() - 1);
  }
  for (const Entry& entry : ready.entries) {
    ASSERT_EQ(entry.index, last().Next());
    entries.push_back(entry);
  }
  if (ready.hard_state) {
    ASSERT_GE(ready.hard_state->term, hard_state.term);
    hard_state = *ready.hard_state;
  }
}

RestoredState HarnessDisk::Restore(LogIndex applied) const {
  RestoredState restored;
  restored.hard_state = hard_state;
  restored.snapshot = snapshot;
  restored.last_index = last();
  restored.applied = applied;
  for (const Entry& entry : entries) {
    if (restored.terms.empty() || restored.terms.back().term != entry.term) {
      restored.terms.push_back({.first = entry.index, .term = entry.term});
    }
    if (entry.configuration) {
      restored.configurations.emplace_back(entry.index, *entry.configuration);
    }
  }
  return restored;
}

Configuration CoreHarness::Voters(std::size_t count) {
  Configuration configuration;
  for (std::size_t id = 1; id <= count; ++id) configuration.voters.emplace_back(id);
  return configuration;
}

CoreHarness::CoreHarness(std::size_t nodes, std::uint64_t seed)
    : CoreHarness(Voters(nodes), Voters(nodes).voters, seed) {}

CoreHarness::CoreHarness(Configuration configuration, std::vector<NodeId> nodes, std::uint64_t seed)
    : configuration_(std::move(configuration)) {
  for (const NodeId id : nodes) {
    HarnessNode& node = nodes_[id];
    node.options.id = id;
    node.options.seed = seed * 1000 + id.value();
    node.disk.snapshot.configuration = configuration_;
    Start(node, false);
  }
}

void CoreHarness::AddNode(std::uint64_t id) {
  HarnessNode& added = nodes_[NodeId(id)];
  added.options = nodes_.begin()->second.options;
  added.options.id = NodeId(id);
  added.options.seed += id;
  Start(added, false);
}

void CoreHarness::Configure(const std::function<void(CoreOptions&)>& change) {
  for (auto& [id, node] : nodes_) {
    change(node.options);
    node.disk = HarnessDisk{};
    node.disk.snapshot.configuration = configuration_;
    Start(node, false);
  }
}

void CoreHarness::Start(HarnessNode& node, bool is_restart) {
  node.writes.clear();
  node.reads.clear();
  node.failed_reads.clear();
  RestoredState restored = node.disk.Restore(node.applied);
  restored.is_restart = is_restart;
  node.core = std::make_unique<Core>(node.options, restored, Now(node.options.id.value()));
  Pump(node.options.id.value());
}

MonotonicTime CoreHarness::Now(std::uint64_t id) const {
  // Rates may be set while nodes run, which must not make a clock go back.
  return {kBoot + elapsed_ / 1000 * nodes_.at(NodeId(id)).clock_permille};
}

void CoreHarness::Send(std::vector<Message> messages) {
  for (Message& message : messages) {
    sent_.push_back(message);
    if (!lost_ || !lost_(message)) network_.push_back(std::move(message));
  }
}

void CoreHarness::Pump(std::uint64_t id) {
  HarnessNode& n = node(id);
  if (!n.core) return;
  // Two Readys in a row without anything happening in between would spin a driver.
  for (int rounds = 0; n.core->HasReady(); ++rounds) {
    ASSERT_LT(rounds, 100);
    Ready ready = n.core->TakeReady();
    Send(std::move(ready.messages));
    n.reads.insert(n.reads.end(), ready.reads.begin(), ready.reads.end());
    n.failed_reads.insert(n.failed_reads.end(), ready.failed_reads.begin(),
                          ready.failed_reads.end());
    const std::vector<FetchRequest> fetches = std::move(ready.fetches);
    if (ready.offer) n.offer = std::move(ready.offer);
    if (n.writes.empty() && (!n.disk_held || !ready.NeedsWrite())) {
      Finish(n, ready);
    } else {
      n.writes.push_back(std::move(ready));
    }
    for (const FetchRequest& request : fetches) Serve(n, request);
    if (n.offer && !n.ignores_offers) TakeUpOffer(id);
  }
  Apply(n);
  CheckSafety(n);
  LeaveJoint(n);
}

void CoreHarness::TakeUpOffer(std::uint64_t id) {
  HarnessNode& n = node(id);
  // The nodes' state is the list of what is committed: nothing has to be carried over.
  const SnapshotOffer offer = *std::exchange(n.offer, std::nullopt);
  n.core->InstallSnapshot(offer.snapshot, Now(id));
}

void CoreHarness::LeaveJoint(HarnessNode& node) {
  if (!node.core->MustLeaveJoint()) return;
  const std::uint64_t id = node.options.id.value();
  const Configuration joint = node.core->GetStatus().configuration;
  if (ChangeMembers(id, seshat::LeaveJoint(joint))) Pump(id);
}

Status CoreHarness::ChangeMembers(std::uint64_t id, const Configuration& next) {
  const auto at = core(id).ProposeConfiguration(next, nullptr, Now(id));
  if (!at) return std::unexpected(at.error());
  return {};
}

void CoreHarness::Compact(std::uint64_t id) {
  HarnessNode& n = node(id);
  const std::optional<SnapshotDescriptor> snapshot = n.core->DescribeAt(n.applied);
  if (!snapshot || snapshot->configuration.voters.empty()) return;
  n.core->OnSnapshotKept(*snapshot);
  n.core->Compact(n.applied, true);
  Pump(id);
}

void CoreHarness::Finish(HarnessNode& node, const Ready& ready) {
  node.disk.Write(ready);
  node.core->OnPersisted(ready.number, Now(node.options.id.value()));
  if (ready.install) {
    node.applied = ready.install->index;
    ++node.installs;
    node.core->OnApplied(node.applied);
  }
  Send(ready.messages_after_persist);
}

void CoreHarness::Serve(HarnessNode& node, const FetchRequest& request) {
  ++node.fetches;
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  const LogIndex end = node.log_unreadable ? request.first : request.end;
  for (LogIndex i = request.first; i < end && i <= node.disk.last(); i = i.Next()) {
    const Entry& entry = node.disk.entries[i.value() - node.disk.snapshot.index.value() - 1];
    bytes += entry.SizeBytes();
    if (!entries.empty() && bytes > request.bytes_max) break;
    entries.push_back(entry);
  }
  node.core->OnFetched(request.follower, std::move(entries), Now(node.options.id.value()));
}

void CoreHarness::FinishOneWrite(std::uint64_t id) {
  HarnessNode& n = node(id);
  if (!n.core || n.writes.empty()) return;
  const Ready ready = std::move(n.writes.front());
  n.writes.pop_front();
  Finish(n, ready);
  Pump(id);
}

void CoreHarness::ReleaseDisk(std::uint64_t id) {
  node(id).disk_held = false;
  while (!node(id).writes.empty()) FinishOneWrite(id);
}

void CoreHarness::Apply(HarnessNode& node) {
  const LogIndex end = node.core->ApplicableIndex();
  ASSERT_LE(end, node.disk.last()) << "trap 14: applied before it is durable here";
  while (node.applied < end) {
    node.applied = node.applied.Next();
    const Entry& entry =
        node.disk.entries[node.applied.value() - node.disk.snapshot.index.value() - 1];
    const auto applied = std::make_pair(entry.term, TextOf(entry));
    const auto [at, is_new] = committed_.try_emplace(node.applied, applied);
    ASSERT_EQ(at->second, applied) << "state machines differ at entry " << node.applied.value();
  }
  node.core->OnApplied(end);
}

void CoreHarness::CheckSafety(const HarnessNode& node) {
  const Core& core = *node.core;
  const LogIndex commit = core.commit_index();
  if (commit > node.disk.snapshot.index) {
    const auto [at, is_new] = committed_terms_.emplace(commit, core.TermAt(commit));
    ASSERT_EQ(at->second, core.TermAt(commit)) << "two entries committed at " << commit.value();
  }
  if (core.role() == Role::kLeader) {
    const auto [at, is_new] = leader_of_term_.emplace(core.term(), node.options.id);
    ASSERT_EQ(at->second, node.options.id) << "two leaders in term " << core.term().value();
    // Leader completeness: what was ever applied is in the log of every later leader.
    if (is_new) {
      for (const auto& [index, applied] : committed_) {
        if (index < node.core->GetStatus().first_index) continue;
        ASSERT_EQ(core.TermAt(index), applied.first) << "entry " << index.value();
      }
    }
  }
}

void CoreHarness::Step(Message message) {
  const std::uint64_t to = message.to.value();
  if (!nodes_.contains(message.to) || !node(to).core) return;
  core(to).Step(std::move(message), Now(to));
  Pump(to);
}

void CoreHarness::DeliverAt(std::size_t position, bool keep_copy) {
  const auto at = network_.begin() + static_cast<std::ptrdiff_t>(position);
  Message message = *at;
  if (!keep_copy) network_.erase(at);
  Step(std::move(message));
}

void CoreHarness::Settle() {
  for (auto& [id, node] : nodes_) Pump(id.value());
  for (std::size_t delivered = 0; !network_.empty(); ++delivered) {
    ASSERT_LT(delivered, 100'000u) << "the nodes do not come to rest";
    DeliverAt(0, false);
  }
}

void CoreHarness::Tick(std::uint64_t id) {
  if (!node(id).core) return;
  if (core(id).NextDeadline() <= Now(id)) core(id).Tick(Now(id));
  Pump(id);
}

void CoreHarness::Advance(Duration span) {
  const Duration end = elapsed_ + span;
  while (elapsed_ < end) {
    elapsed_ += std::min<Duration>(milliseconds(10), end - elapsed_);
    for (auto& [id, node] : nodes_) {
      Tick(id.value());
      if (node.core && node.core->GetStatus().needs_snapshot) Compact(id.value());
    }
    Settle();
  }
}

void CoreHarness::Elect(std::uint64_t id) {
  core(id).Campaign(Now(id));
  Settle();
  ASSERT_EQ(core(id).role(), Role::kLeader);
  ASSERT_TRUE(core(id).LeadsWithCommit());
}

LogIndex CoreHarness::Propose(std::uint64_t id, const std::string& text) {
  const auto at = core(id).Propose(std::make_shared<const std::string>(text), Now(id));
  SESHAT_CHECK_MSG(at.has_value(), at.error().message());
  return at->index;
}

void CoreHarness::Crash(std::uint64_t id) {
  node(id).core.reset();
  node(id).writes.clear();
}

void CoreHarness::Restart(std::uint64_t id) {
  if (node(id).core) Crash(id);
  Start(node(id), true);
}

void CoreHarness::Isolate(std::uint64_t id) {
  LoseIf([id](const Message& m) { return m.from == NodeId(id) || m.to == NodeId(id); });
}

std::vector<std::uint64_t> CoreHarness::Leaders() const {
  std::vector<std::uint64_t> leaders;
  for (const auto& [id, node] : nodes_) {
    if (node.core && node.core->role() == Role::kLeader) leaders.push_back(id.value());
  }
  return leaders;
}

std::vector<std::string> CoreHarness::Applied(std::uint64_t id) const {
  std::vector<std::string> texts;
  const HarnessNode& node = nodes_.at(NodeId(id));
  for (const auto& [index, applied] : committed_) {
    if (index <= node.applied && !applied.second.empty()) texts.push_back(applied.second);
  }
  return texts;
}

}  // namespace seshat
