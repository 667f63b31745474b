// The leader's half of replication: appending, sending, counting, and the configuration in force.
#include <algorithm>
#include <utility>

#include "core_impl.h"
#include "seshat/base/check.h"
#include "seshat/base/seeded_bug.h"

namespace seshat {

Progress* Core::Impl::FindProgress(NodeId node) {
  const auto at = std::ranges::find(followers_, node, &Progress::id);
  return at == followers_.end() ? nullptr : &*at;
}

const Progress* Core::Impl::FindProgress(NodeId node) const {
  const auto at = std::ranges::find(followers_, node, &Progress::id);
  return at == followers_.end() ? nullptr : &*at;
}

void Core::Impl::RebuildProgress() {
  std::vector<Progress> followers;
  for (const NodeId member : configuration().Members()) {
    if (member == options_.id) continue;
    if (Progress* known = FindProgress(member)) {
      followers.push_back(std::move(*known));
      continue;
    }
    Progress fresh;
    fresh.id = member;
    fresh.next = log_.last_index().Next();
    // A grace period: it could not have answered yet.
    fresh.last_contact = now_;
    followers.push_back(std::move(fresh));
  }
  followers_ = std::move(followers);
  appends_due_ = true;
}

Status Core::Impl::CheckMayPropose(std::size_t bytes) const {
  if (role_ != Role::kLeader) return MakeError(ErrorCode::kUnavailable, "not the leader");
  // It would move the mark that the other has to reach.
  if (transferee_ != kNoNode) {
    return MakeError(ErrorCode::kUnavailable, "leadership is being handed over");
  }
  // One proposal is always taken, or one larger than the bound could never be.
  if (uncommitted_bytes_ > 0 && uncommitted_bytes_ + bytes > options_.uncommitted_bytes_max) {
    return MakeError(ErrorCode::kResourceExhausted, "too many bytes wait to be committed");
  }
  return {};
}

void Core::Impl::AppendAsLeader(EntryType type, Payload data,
                                std::shared_ptr<const Configuration> configuration) {
  SESHAT_CHECK(role_ == Role::kLeader);
  Entry entry;
  entry.term = term_;
  entry.index = log_.last_index().Next();
  entry.type = type;
  entry.data = std::move(data);
  entry.configuration = std::move(configuration);
  uncommitted_bytes_ += entry.SizeBytes();
  AppendToLog(std::move(entry));
  appends_due_ = true;
}

void Core::Impl::AppendToLog(Entry entry) {
  const LogIndex index = entry.index;
  // First: a member that is new is sent this very entry, and so asked where it stands.
  if (entry.type == EntryType::kConfig) TakeConfiguration(index, *entry.configuration);
  log_.Append(std::move(entry));
}

void Core::Impl::TruncateLog(LogIndex from) {
  log_.Truncate(from);
  ForgetConfigurationsFrom(from);
}

void Core::Impl::CommitTo(LogIndex index) {
  if (index <= log_.commit()) return;
  if (role_ == Role::kLeader && !HasBug("room-for-proposals-leaks")) {
    const std::size_t bytes = log_.CachedBytes(log_.commit().Next(), index);
    uncommitted_bytes_ -= std::min(uncommitted_bytes_, bytes);
  }
  log_.CommitTo(index);
  // A leader that is not a voter leads only until its removal is committed.
  const bool is_settled = configurations_.back().first <= index;
  const bool is_removed =
      !configuration().IsVoter(options_.id) && !HasBug("removed-leader-goes-on");
  if (role_ == Role::kLeader && is_settled && is_removed) {
    BecomeFollower(term_, kNoNode);
  }
}

// Commits by counting, and only entries of this term (paper, section 5.4.2).
void Core::Impl::CommitByCounting() {
  if (role_ != Role::kLeader) return;
  const LogIndex index = configuration().QuorumIndex([this](NodeId node) {
    if (node == options_.id) {
      return HasBug("leader-counts-itself-early") ? log_.last_index() : log_.durable();
    }
    const Progress* follower = FindProgress(node);
    return follower ? follower->match : LogIndex{};
  });
  const bool is_of_this_term = log_.TermAt(index) == term_ || HasBug("older-term-committed");
  if (index > log_.commit() && is_of_this_term) CommitTo(index);
}

void Core::Impl::OnAppendResponse(const Message& message) {
  Progress* follower = FindProgress(message.from);
  if (role_ != Role::kLeader || !follower || message.log_index > log_.last_index()) return;
  follower->last_contact = now_;
  if (message.reject) {
    const LogIndex agreement = log_.FindAgreement(message.hint_index, message.hint_term);
    follower->OnRefused(message.log_index, agreement.Next());
    return NoteIfSendable(*follower);
  }
  follower->OnAcknowledged(message.log_index);
  const bool has_what_it_lacked = follower->match.Next() >= log_.first_index();
  if (follower->state == Progress::State::kProbe ||
      (follower->state == Progress::State::kSnapshot && has_what_it_lacked)) {
    follower->BecomeReplicate();
  }
  NoteIfSendable(*follower);
  CommitByCounting();  // may end the leadership, and with it `follower`
  TellTransfereeIfLevel();
}

void Core::Impl::NoteIfSendable(const Progress& follower) {
  const bool has_more = follower.next <= log_.last_index() && follower.MaySend(options_);
  if (has_more || follower.ping_due) appends_due_ = true;
}

void Core::Impl::SendAppends() {
  appends_due_ = false;
  for (Progress& follower : followers_) {
    SendEntries(follower);
    if (!std::exchange(follower.ping_due, false)) continue;
    if (follower.next <= log_.snapshot_index()) {
      OfferSnapshot(follower);
      continue;
    }
    SendAppend(follower, {});
  }
}

// Everything from `next` on, in as many messages as the bounds allow.
void Core::Impl::SendEntries(Progress& follower) {
  while (follower.next <= log_.last_index() && follower.MaySend(options_)) {
    if (follower.next <= log_.snapshot_index()) return OfferSnapshot(follower);
    const std::size_t in_flight = follower.inflights.bytes();
    const std::size_t room = options_.inflight_bytes_max - in_flight;
    const std::size_t bytes_max = std::min(options_.append_bytes_max, room);
    if (follower.next < log_.cache_first()) {
      follower.fetching = true;
      fetches_.push_back({.follower = follower.id,
                          .first = follower.next,
                          .end = log_.cache_first(),
                          .bytes_max = bytes_max});
      return;
    }
    std::vector<Entry> entries = log_.Cached(follower.next, log_.last_index().Next(), bytes_max);
    const bool is_too_much = entries.front().SizeBytes() > room;
    if (is_too_much && in_flight > 0) return;
    SendAppend(follower, std::move(entries));
  }
}

void Core::Impl::SendAppend(Progress& follower, std::vector<Entry> entries) {
  Message request = NewMessage(MessageType::kAppendRequest, follower.id);
  request.log_index = follower.next.Previous();
  request.log_term = log_.TermAt(request.log_index);
  request.commit = log_.commit();
  if (!entries.empty()) {
    std::size_t bytes = 0;
    for (const Entry& entry : entries) bytes += entry.SizeBytes();
    follower.OnSent(entries.back().index, bytes);
  }
  request.entries = std::move(entries);
  SendNow(std::move(request));
}

void Core::Impl::OnFetched(NodeId node, std::vector<Entry> entries, MonotonicTime now) {
  AdvanceTime(now);
  Progress* follower = FindProgress(node);
  if (role_ != Role::kLeader || !follower || !follower->fetching) return;
  follower->fetching = false;
  if (entries.empty()) {
    // The next heartbeat's answer tries again; trying at once could spin on a failing disk.
    follower->BecomeProbe(follower->next);
    follower->probed = true;
    return;
  }
  // The answer may be to a question of an earlier leadership, or to one that an acknowledgement or
  // a refusal has overtaken: then `next` has moved and is asked for again.
  LogIndex expected = follower->next;
  bool is_usable = follower->MaySend(options_);
  for (const Entry& entry : entries) {
    if (HasBug("fetched-entries-unchecked")) break;
    is_usable = is_usable && entry.index == expected && log_.Matches(entry.index, entry.term);
    expected = expected.Next();
  }
  if (is_usable) SendAppend(*follower, std::move(entries));
  NoteIfSendable(*follower);
}

}  // namespace seshat
