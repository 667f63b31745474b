#include "state_codec.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "seshat/base/seeded_bug.h"
#include "seshat/v1/storage.pb.h"
#include "wire_codec.h"

namespace seshat {
namespace {

constexpr std::string_view kHardStateRecord = "RaftHardState";
constexpr std::string_view kSnapshotRecord = "SnapshotMetadata";
constexpr std::string_view kConfigurationRecord = "GroupConfiguration";

// More than any real promise; keeps the arithmetic on it from overflowing.
constexpr std::uint64_t kPromiseMsMax = std::uint64_t{1000} * 60 * 60 * 24;

template <typename Field>
std::vector<NodeId> SortedNodes(const Field& field) {
  std::vector<NodeId> nodes;
  nodes.reserve(static_cast<std::size_t>(field.size()));
  for (const std::uint64_t id : field) nodes.push_back(NodeId(id));
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

void FillConfiguration(const Configuration& from, v1::GroupConfiguration& to) {
  to.set_version(kRecordVersion);
  for (const NodeId node : from.voters) to.add_voters(node.value());
  for (const NodeId node : from.voters_outgoing) to.add_voters_outgoing(node.value());
  for (const NodeId node : from.learners) to.add_learners(node.value());
  for (const NodeId node : from.learners_next) to.add_learners_next(node.value());
  to.set_auto_leave(from.auto_leave);
}

Configuration ReadConfiguration(const v1::GroupConfiguration& from) {
  Configuration to;
  to.voters = SortedNodes(from.voters());
  to.voters_outgoing = SortedNodes(from.voters_outgoing());
  to.learners = SortedNodes(from.learners());
  to.learners_next = SortedNodes(from.learners_next());
  to.auto_leave = from.auto_leave();
  return to;
}

}  // namespace

std::string EncodeHardState(const HardState& state) {
  v1::RaftHardState message;
  message.set_version(kRecordVersion);
  message.set_term(state.term.value());
  message.set_vote(HasBug("vote-not-encoded") ? 0 : state.vote.value());
  message.set_commit(state.commit.value());
  const auto promise = std::chrono::ceil<std::chrono::milliseconds>(state.promise);
  message.set_promise_ms(static_cast<std::uint64_t>(promise.count()));
  return message.SerializeAsString();
}

Result<HardState> DecodeHardState(std::string_view bytes) {
  v1::RaftHardState message;
  if (Status status = ParseRecord(kHardStateRecord, bytes, message); !status) {
    return std::unexpected(std::move(status).error());
  }
  if (message.promise_ms() > kPromiseMsMax) return MalformedRecord(kHardStateRecord);
  HardState state;
  state.term = Term(message.term());
  state.vote = NodeId(message.vote());
  state.commit = LogIndex(message.commit());
  if (HasBug("promise-not-decoded")) return state;
  state.promise = std::chrono::milliseconds(message.promise_ms());
  return state;
}

std::string EncodeSnapshotMetadata(const SnapshotDescriptor& snapshot, UnixMillis created_at) {
  v1::SnapshotMetadata message;
  message.set_version(kRecordVersion);
  message.set_last_included_index(snapshot.index.value());
  message.set_last_included_term(snapshot.term.value());
  FillConfiguration(snapshot.configuration, *message.mutable_configuration());
  message.set_created_at_ms(created_at.value);
  message.set_size_bytes(snapshot.size_bytes);
  message.set_key_count(snapshot.key_count);
  message.set_digest(snapshot.digest);
  return message.SerializeAsString();
}

Result<SnapshotDescriptor> DecodeSnapshotMetadata(std::string_view bytes) {
  v1::SnapshotMetadata message;
  if (Status status = ParseRecord(kSnapshotRecord, bytes, message); !status) {
    return std::unexpected(std::move(status).error());
  }
  if (Status status = CheckRecordVersion(kConfigurationRecord, message.configuration().version());
      !status) {
    return std::unexpected(std::move(status).error().WithContext(kSnapshotRecord));
  }
  SnapshotDescriptor snapshot;
  snapshot.index = LogIndex(message.last_included_index());
  snapshot.term = Term(message.last_included_term());
  snapshot.configuration = ReadConfiguration(message.configuration());
  snapshot.size_bytes = message.size_bytes();
  snapshot.key_count = message.key_count();
  snapshot.digest = message.digest();
  return snapshot;
}

std::string EncodeConfiguration(const Configuration& configuration) {
  v1::GroupConfiguration message;
  FillConfiguration(configuration, message);
  return message.SerializeAsString();
}

Result<Configuration> DecodeConfiguration(std::string_view bytes) {
  v1::GroupConfiguration message;
  if (Status status = ParseRecord(kConfigurationRecord, bytes, message); !status) {
    return std::unexpected(std::move(status).error());
  }
  return ReadConfiguration(message);
}

}  // namespace seshat
