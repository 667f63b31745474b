#include "framing.h"

#include <fmt/format.h>

#include <algorithm>

#include "seshat/v1/peer.pb.h"

namespace seshat {

bool SendQueue::Push(Payload payload) {
  const std::size_t cost = payload.bytes.size() + kOverheadBytes;
  if (bytes_ != 0 && bytes_ + cost > bytes_max_) return false;
  PushAlways(std::move(payload));
  return true;
}

void SendQueue::PushAlways(Payload payload) {
  bytes_ += payload.bytes.size() + kOverheadBytes;
  waiting_.push_back({.payload = std::move(payload)});
}

bool SendQueue::NextBatch(std::size_t frame_bytes_max, v1::FrameBatch& batch) {
  std::size_t room = frame_bytes_max;
  while (!waiting_.empty() && room > kOverheadBytes) {
    Waiting& first = waiting_.front();
    if (first.cancelled) {
      waiting_.pop_front();
      continue;
    }
    std::string& bytes = first.payload.bytes;
    const std::size_t left = bytes.size() - first.offset;
    const std::size_t piece = std::min(left, room - kOverheadBytes);
    // A payload that fits a message of its own is not cut just to fill this one.
    if (piece < left && first.offset == 0 && batch.frames_size() > 0 &&
        left + kOverheadBytes <= frame_bytes_max) {
      break;
    }
    v1::Frame* frame = batch.add_frames();
    frame->set_call_id(first.payload.call_id);
    frame->set_broken(first.payload.broken);
    frame->set_more(piece < left);
    room -= piece + kOverheadBytes;
    bytes_ -= piece;
    if (first.offset == 0 && piece == left) {
      frame->set_payload(std::move(bytes));
    } else {
      frame->set_payload(bytes.data() + first.offset, piece);
    }
    if (piece < left) {
      first.offset += piece;
      break;
    }
    bytes_ -= kOverheadBytes;
    waiting_.pop_front();
  }
  return batch.frames_size() > 0;
}

std::deque<SendQueue::Waiting>::const_iterator SendQueue::Find(std::uint64_t call_id) const {
  const auto place = std::lower_bound(
      waiting_.begin(), waiting_.end(), call_id,
      [](const Waiting& waiting, std::uint64_t id) { return waiting.payload.call_id < id; });
  if (place == waiting_.end() || place->payload.call_id != call_id) return waiting_.end();
  return place;
}

bool SendQueue::Cancel(std::uint64_t call_id) {
  const auto place = Find(call_id);
  if (place == waiting_.end() || place->offset > 0) return false;
  Waiting& waiting = waiting_[static_cast<std::size_t>(place - waiting_.begin())];
  bytes_ -= waiting.payload.bytes.size() + kOverheadBytes;
  waiting.payload.bytes = std::string();
  waiting.cancelled = true;
  return true;
}

bool SendQueue::Contains(std::uint64_t call_id) const {
  return Find(call_id) != waiting_.end();
}

Result<std::optional<Payload>> FrameAssembler::Add(v1::Frame& frame) {
  if (within_payload_ && (frame.call_id() != partial_.call_id || frame.broken())) {
    return MakeError(ErrorCode::kCorruption, "a piece of another payload between two of one");
  }
  if (frame.broken() && (frame.more() || !frame.payload().empty())) {
    return MakeError(ErrorCode::kCorruption, "a broken call with a payload");
  }
  if (partial_.bytes.size() + frame.payload().size() > payload_bytes_max_) {
    return MakeError(ErrorCode::kCorruption,
                     fmt::format("a payload over the limit of {} bytes", payload_bytes_max_));
  }
  if (!within_payload_) {
    partial_ = {.bytes = std::move(*frame.mutable_payload()),
                .call_id = frame.call_id(),
                .broken = frame.broken()};
  } else {
    partial_.bytes += frame.payload();
  }
  within_payload_ = frame.more();
  if (within_payload_) return std::nullopt;
  return std::optional<Payload>(std::exchange(partial_, Payload()));
}

}  // namespace seshat
