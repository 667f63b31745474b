#include "stream_kind.h"

namespace seshat {

StreamKind StreamKindOf(Channel channel) {
  return channel == Channel::kControl ? StreamKind::kControl : StreamKind::kAppend;
}

StreamKind StreamKindOf(CallKind kind) {
  return kind == CallKind::kForward ? StreamKind::kForward : StreamKind::kSnapshot;
}

std::optional<StreamKind> StreamKindOf(v1::PeerChannel channel) {
  for (std::size_t i = 0; i < kStreamKinds; ++i) {
    const auto kind = static_cast<StreamKind>(i);
    if (WireChannel(kind) == channel) return kind;
  }
  return std::nullopt;
}

v1::PeerChannel WireChannel(StreamKind kind) {
  switch (kind) {
    case StreamKind::kControl:
      return v1::PEER_CHANNEL_CONTROL;
    case StreamKind::kAppend:
      return v1::PEER_CHANNEL_APPEND;
    case StreamKind::kForward:
      return v1::PEER_CHANNEL_FORWARD;
    case StreamKind::kSnapshot:
      return v1::PEER_CHANNEL_SNAPSHOT;
    case StreamKind::kJoin:
      return v1::PEER_CHANNEL_JOIN;
  }
  return v1::PEER_CHANNEL_UNSPECIFIED;
}

std::string_view ToString(StreamKind kind) {
  switch (kind) {
    case StreamKind::kControl:
      return "control";
    case StreamKind::kAppend:
      return "append";
    case StreamKind::kForward:
      return "forward";
    case StreamKind::kSnapshot:
      return "snapshot";
    case StreamKind::kJoin:
      return "join";
  }
  return "?";
}

std::size_t QueueBytesMax(const TransportOptions& options, StreamKind kind) {
  switch (kind) {
    case StreamKind::kControl:
      return options.control_queue_bytes_max;
    case StreamKind::kAppend:
      return options.append_queue_bytes_max;
    case StreamKind::kForward:
      return options.forward_queue_bytes_max;
    case StreamKind::kSnapshot:
      return options.snapshot_queue_bytes_max;
    case StreamKind::kJoin:
      return options.frame_bytes_max;
  }
  return 0;
}

}  // namespace seshat
