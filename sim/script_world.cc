#include "script_world.h"

#include <fmt/format.h>

#include <algorithm>

#include "seshat/base/check.h"

namespace seshat {

const Entry& ScriptDisk::At(LogIndex index) const {
  return entries[index.value() - snapshot.index.value() - 1];
}

void ScriptDisk::Write(const Ready& ready) {
  if (ready.truncate_from) {
    SESHAT_CHECK(*ready.truncate_from > snapshot.index && *ready.truncate_from <= last().Next());
    entries.resize(ready.truncate_from->value() - snapshot.index.value() - 1);
  }
  for (const Entry& entry : ready.entries) {
    SESHAT_CHECK(entry.index == last().Next());
    entries.push_back(entry);
  }
  if (ready.hard_state) {
    SESHAT_CHECK(ready.hard_state->term >= hard_state.term);
    hard_state = *ready.hard_state;
  }
}

RestoredState ScriptDisk::Restore() const {
  RestoredState restored;
  restored.hard_state = hard_state;
  restored.snapshot = snapshot;
  restored.last_index = last();
  restored.applied = snapshot.index;
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

std::size_t ScriptNode::WaitingWrites() const {
  return static_cast<std::size_t>(std::ranges::count_if(writes, &Ready::NeedsWrite));
}

ScriptWorld::ScriptWorld(const std::vector<CoreOptions>& options,
                         const Configuration& configuration)
    : configuration_(configuration) {
  for (const CoreOptions& of_node : options) {
    ScriptNode& node = nodes_[of_node.id];
    node.options = of_node;
    node.disk.snapshot.configuration = configuration;
  }
  for (auto& [id, node] : nodes_) Start(node, false);
}

void ScriptWorld::Start(ScriptNode& node, bool is_restart) {
  RestoredState restored = node.disk.Restore();
  restored.is_restart = is_restart;
  node.applied = restored.applied;
  node.core = std::make_unique<Core>(node.options, std::move(restored), node.Now());
  Pump(node);
}

void ScriptWorld::Tick(NodeId id) {
  ScriptNode& node = nodes_.at(id);
  node.elapsed += kScriptTick;
  if (!node.core) return;
  node.core->Tick(node.Now());
  Pump(node);
}

void ScriptWorld::Pause(NodeId id, std::uint64_t ticks) {
  nodes_.at(id).elapsed += static_cast<Duration::rep>(ticks) * kScriptTick;
}

void ScriptWorld::Campaign(NodeId id) {
  ScriptNode& node = nodes_.at(id);
  node.core->Campaign(node.Now());
  Pump(node);
}

Status ScriptWorld::Transfer(NodeId id, NodeId to) {
  ScriptNode& node = nodes_.at(id);
  const Status status = node.core->TransferLeadership(to, node.Now());
  Pump(node);
  return status;
}

Status ScriptWorld::Propose(NodeId id, std::uint64_t count) {
  ScriptNode& node = nodes_.at(id);
  Status status;
  for (std::uint64_t i = 0; i < count && status; ++i) {
    const auto position = node.core->Propose(nullptr, node.Now());
    if (!position) status = std::unexpected(position.error());
  }
  Pump(node);
  return status;
}

Status ScriptWorld::Read(NodeId id) {
  ScriptNode& node = nodes_.at(id);
  const std::uint64_t number = reads_.size() + 1;
  const Status status = node.core->RequestRead(number, node.Now());
  if (!status) return status;
  reads_.push_back(
      {.number = number, .node = id, .state = ScriptRead::State::kWaiting, .index = {}});
  Pump(node);
  return status;
}

void ScriptWorld::Step(Message message) {
  ScriptNode& node = nodes_.at(message.to);
  if (!node.core) return;
  node.core->Step(std::move(message), node.Now());
  Pump(node);
}

void ScriptWorld::Pump(ScriptNode& node) {
  for (int rounds = 0; node.core->HasReady(); ++rounds) {
    SESHAT_CHECK_MSG(rounds < 100, "a core wants to be driven without end");
    Ready ready = node.core->TakeReady();
    Send(std::move(ready.messages));
    NoteReads(node, ready);
    const std::vector<FetchRequest> fetches = std::move(ready.fetches);
    if (node.writes.empty() && (!node.is_disk_held || !ready.NeedsWrite())) {
      Finish(node, ready);
    } else {
      node.writes.push_back(std::move(ready));
    }
    for (const FetchRequest& request : fetches) Fetch(node, request);
  }
  Apply(node);
  CheckSafety(node);
}

void ScriptWorld::Finish(ScriptNode& node, const Ready& ready) {
  node.disk.Write(ready);
  node.core->OnPersisted(ready.number, node.Now());
  Send(ready.messages_after_persist);
}

void ScriptWorld::Send(std::vector<Message> messages) {
  for (Message& message : messages) {
    // A stranger in a message made by hand may be answered, but is nowhere to be found.
    if (!nodes_.contains(message.to)) continue;
    if (LinkOf(message.from, message.to) == LinkState::kCut) continue;
    in_flight_.push_back(std::move(message));
  }
}

void ScriptWorld::Fetch(ScriptNode& node, const FetchRequest& request) {
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  for (LogIndex i = request.first; i < request.end && i <= node.disk.last(); i = i.Next()) {
    const Entry& entry = node.disk.At(i);
    bytes += entry.SizeBytes();
    if (!entries.empty() && bytes > request.bytes_max) break;
    entries.push_back(entry);
  }
  node.core->OnFetched(request.follower, std::move(entries), node.Now());
}

void ScriptWorld::NoteReads(const ScriptNode& node, const Ready& ready) {
  for (const ReadGrant& grant : ready.reads) {
    ScriptRead& read = reads_.at(grant.context - 1);
    SESHAT_CHECK(read.node == node.options.id);
    if (read.state != ScriptRead::State::kWaiting) continue;
    read.state = ScriptRead::State::kGranted;
    read.index = grant.index;
  }
  for (const std::uint64_t number : ready.failed_reads) {
    ScriptRead& read = reads_.at(number - 1);
    if (read.state == ScriptRead::State::kWaiting) read.state = ScriptRead::State::kFailed;
  }
}

void ScriptWorld::Apply(ScriptNode& node) {
  const LogIndex end = node.core->ApplicableIndex();
  if (end > node.disk.last()) {
    Violate(fmt::format("node {} may apply {} before its own disk has it", node.options.id.value(),
                        end.value()));
  }
  node.applied = std::max(node.applied, end);
  node.core->OnApplied(end);
  for (ScriptRead& read : reads_) {
    const bool is_own = read.node == node.options.id && read.state == ScriptRead::State::kGranted;
    if (is_own && read.index <= node.applied) read.state = ScriptRead::State::kServed;
  }
}

std::vector<Message> ScriptWorld::TakeInFlight(
    const std::function<bool(const Message&)>& is_wanted) {
  std::vector<Message> taken;
  std::vector<Message> left;
  for (Message& message : in_flight_) {
    (is_wanted(message) ? taken : left).push_back(std::move(message));
  }
  in_flight_ = std::move(left);
  return taken;
}

std::vector<std::size_t> ScriptWorld::PositionsOf(NodeId from, NodeId to) const {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < in_flight_.size(); ++i) {
    if (in_flight_[i].from == from && in_flight_[i].to == to) positions.push_back(i);
  }
  return positions;
}

Message ScriptWorld::TakeAt(std::size_t position) {
  Message message = std::move(in_flight_.at(position));
  in_flight_.erase(in_flight_.begin() + static_cast<std::ptrdiff_t>(position));
  return message;
}

void ScriptWorld::Duplicate(std::size_t position) {
  Message copy = in_flight_.at(position);
  in_flight_.push_back(std::move(copy));
}

void ScriptWorld::Reorder(NodeId from, NodeId to, const std::vector<std::size_t>& order) {
  const std::vector<std::size_t> positions = PositionsOf(from, to);
  SESHAT_CHECK(order.size() == positions.size());
  const std::vector<Message> before = in_flight_;
  for (std::size_t i = 0; i < order.size(); ++i) {
    in_flight_[positions[i]] = before[positions[order[i]]];
  }
}

void ScriptWorld::Settle() {
  for (std::size_t delivered = 0;; ++delivered) {
    SESHAT_CHECK_MSG(delivered < 100'000, "the nodes do not come to rest");
    const auto next = std::ranges::find_if(in_flight_, [this](const Message& message) {
      return LinkOf(message.from, message.to) != LinkState::kSlow;
    });
    if (next == in_flight_.end()) return;
    Step(TakeAt(static_cast<std::size_t>(next - in_flight_.begin())));
  }
}

LinkState ScriptWorld::LinkOf(NodeId from, NodeId to) const {
  const auto link = links_.find({from, to});
  return link == links_.end() ? LinkState::kUp : link->second;
}

void ScriptWorld::SetLink(NodeId from, NodeId to, LinkState state) {
  links_[{from, to}] = state;
  if (state != LinkState::kCut) return;
  TakeInFlight([&](const Message& message) { return message.from == from && message.to == to; });
}

void ScriptWorld::FinishWrite(NodeId id) {
  ScriptNode& node = nodes_.at(id);
  SESHAT_CHECK(!node.writes.empty());
  // What has nothing to write only waited for its turn.
  do {
    const Ready ready = std::move(node.writes.front());
    node.writes.pop_front();
    Finish(node, ready);
  } while (!node.writes.empty() && !node.writes.front().NeedsWrite());
  Pump(node);
}

void ScriptWorld::ReleaseDisk(NodeId id) {
  ScriptNode& node = nodes_.at(id);
  node.is_disk_held = false;
  while (!node.writes.empty()) FinishWrite(id);
}

void ScriptWorld::Crash(NodeId id) {
  ScriptNode& node = nodes_.at(id);
  node.core.reset();
  node.writes.clear();
  node.applied = node.disk.snapshot.index;
  for (ScriptRead& read : reads_) {
    if (read.node == id && read.state != ScriptRead::State::kServed) {
      read.state = ScriptRead::State::kFailed;
    }
  }
}

void ScriptWorld::Restart(NodeId id) {
  Start(nodes_.at(id), true);
}

void ScriptWorld::SetDisk(NodeId id, ScriptDisk disk) {
  ScriptNode& node = nodes_.at(id);
  SESHAT_CHECK(!node.core);
  node.disk = std::move(disk);
  node.applied = node.disk.snapshot.index;
}

void ScriptWorld::Violate(std::string what) {
  if (!violation_) violation_ = std::move(what);
}

void ScriptWorld::CheckSafety(const ScriptNode& node) {
  const Core& core = *node.core;
  const std::uint64_t id = node.options.id.value();
  for (LogIndex i = node.disk.snapshot.index.Next(); i <= core.commit_index(); i = i.Next()) {
    const Term term = committed_.emplace(i, core.TermAt(i)).first->second;
    if (term == core.TermAt(i)) continue;
    Violate(fmt::format("two entries are committed at index {}: of terms {} and {} (node {})",
                        i.value(), term.value(), core.TermAt(i).value(), id));
  }
  if (core.role() != Role::kLeader) return;
  const auto [leader, is_new] = leaders_.emplace(core.term(), node.options.id);
  if (leader->second != node.options.id) {
    Violate(fmt::format("two leaders in term {}: nodes {} and {}", core.term().value(),
                        leader->second.value(), id));
  }
  if (!is_new) return;
  for (const auto& [index, term] : committed_) {
    if (index <= node.disk.snapshot.index || core.TermAt(index) == term) continue;
    Violate(fmt::format("node {} leads without the committed entry {}:{}", id, index.value(),
                        term.value()));
  }
}

}  // namespace seshat
