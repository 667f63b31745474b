#include "seshat/raft/snapshot_sender.h"

#include <algorithm>
#include <utility>

#include "snapshot_chunk.h"
#include "state_codec.h"

namespace seshat {
namespace {

// Beyond every row: keys begin with two bytes that say what they are.
constexpr std::string_view kRowsEnd("\xff\xff\xff", 3);

// A chunk takes a quarter of a second at most, so that several nodes may take turns.
SnapshotSenderOptions FitToBound(SnapshotSenderOptions options) {
  if (options.bytes_per_second_max == 0) return options;
  options.chunk_bytes =
      std::min<std::uint64_t>(options.chunk_bytes, options.bytes_per_second_max / 4 + 1);
  return options;
}

std::shared_ptr<const Snapshot> FindSnapshot(const SnapshotStore& store, GroupId group,
                                             LogIndex index, Term term) {
  for (const std::shared_ptr<const Snapshot>& snapshot : store.Kept()) {
    for (const GroupSnapshot& held : snapshot->groups()) {
      if (held.group != group) continue;
      const Result<SnapshotDescriptor> of = DecodeSnapshotMetadata(held.metadata);
      if (of && of->index == index && of->term == term) return snapshot;
    }
  }
  return nullptr;
}

}  // namespace

SnapshotSender::SnapshotSender(const SnapshotSenderOptions& options,
                               const SnapshotSenderPorts& ports)
    : options_(FitToBound(options)), ports_(ports) {
  if (ports_.metrics == nullptr) return;
  const MetricLabels labels = {{"node_id", std::to_string(options_.node.value())}};
  bytes_sent_ = &ports_.metrics->GetCounter("raft_snapshot_sent_bytes_total",
                                            "Bytes of snapshots sent to other nodes.", labels);
  held_open_ = &ports_.metrics->GetGauge("raft_snapshots_sending",
                                         "Snapshots that other nodes are half-way through, and "
                                         "that are kept for them.",
                                         labels);
}

SnapshotSender::~SnapshotSender() = default;

void SnapshotSender::OnCall(NodeId from, std::string request,
                            UniqueFunction<void(std::string)> reply) {
  ports_.worker->Post(
      [this, from, request = std::move(request), reply = std::move(reply)]() mutable {
        Answer(from, request, std::move(reply));
      });
}

void SnapshotSender::Answer(NodeId from, const std::string& request,
                            UniqueFunction<void(std::string)> reply) {
  const Result<SnapshotChunkRequest> decoded = DecodeChunkRequest(request);
  if (!decoded) return;
  Result<std::string> chunk = ReadChunk(from, *decoded);
  // Not readable: the node that asks gives up after a while, and is offered another.
  if (!chunk) return;
  ReplyInTime(*std::move(chunk), std::move(reply));
}

Result<std::string> SnapshotSender::ReadChunk(NodeId from, const SnapshotChunkRequest& request) {
  const Result<const StateView*> view = Open(from, request);
  if (!view) return std::unexpected(view.error());
  if (*view == nullptr) return EncodeChunkGone();
  // The first key after it.
  const std::string first =
      request.after_key.empty() ? std::string() : request.after_key + std::string(1, '\0');
  ChunkWriter chunk;
  bool is_last = true;
  const Status scanned =
      (*view)->Scan(first, kRowsEnd, [&](std::string_view key, std::string_view value) {
        if (chunk.rows_bytes() >= options_.chunk_bytes) {
          is_last = false;
          return false;
        }
        chunk.Add(key, value);
        return true;
      });
  if (!scanned) return std::unexpected(scanned.error());
  if (is_last) sendings_.erase({from, request.group});
  return chunk.Finish(request.after_key, is_last);
}

Result<const StateView*> SnapshotSender::Open(NodeId from, const SnapshotChunkRequest& request) {
  const MonotonicTime now = ports_.clock->Now();
  const auto known = sendings_.find({from, request.group});
  if (known != sendings_.end() && known->second.index == request.index &&
      known->second.term == request.term) {
    known->second.used_at = now;
    return known->second.view.get();
  }
  const std::shared_ptr<const Snapshot> snapshot =
      FindSnapshot(*ports_.store, request.group, request.index, request.term);
  if (snapshot == nullptr) return nullptr;
  Result<std::unique_ptr<StateView>> view = snapshot->View(request.group);
  if (!view) return std::unexpected(std::move(view).error());
  Sending& sending = sendings_[{from, request.group}];
  sending = {
      .index = request.index, .term = request.term, .view = *std::move(view), .used_at = now};
  CloseIdle();
  return sending.view.get();
}

// The bound holds on average: a chunk goes out once those before it are paid for.
void SnapshotSender::ReplyInTime(std::string chunk, UniqueFunction<void(std::string)> reply) {
  const MonotonicTime now = ports_.clock->Now();
  if (bytes_sent_ != nullptr) bytes_sent_->Increment(static_cast<double>(chunk.size()));
  const MonotonicTime due = std::clamp(free_at_, now, now + options_.wait_max);
  if (options_.bytes_per_second_max > 0) {
    const double seconds =
        static_cast<double>(chunk.size()) / static_cast<double>(options_.bytes_per_second_max);
    free_at_ = due + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }
  if (due <= now) return reply(std::move(chunk));
  ports_.worker->PostAt(due, [chunk = std::move(chunk), reply = std::move(reply)]() mutable {
    reply(std::move(chunk));
  });
}

void SnapshotSender::CloseIdle() {
  const MonotonicTime now = ports_.clock->Now();
  std::erase_if(sendings_,
                [&](const auto& each) { return now >= each.second.used_at + options_.held_open; });
  if (held_open_ != nullptr) held_open_->Set(static_cast<double>(sendings_.size()));
  if (sendings_.empty() || std::exchange(is_close_armed_, true)) return;
  ports_.worker->PostAt(now + options_.held_open, [this] {
    is_close_armed_ = false;
    CloseIdle();
  });
}

}  // namespace seshat
