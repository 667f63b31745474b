// The kinds of streams between two nodes, and all that differs between them: what they carry, their
// name on the wire and in metrics, their bound. What streams do alike is not here.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "seshat/ports/transport.h"
#include "seshat/transport/transport_options.h"
#include "seshat/v1/peer.pb.h"

namespace seshat {

// The streams of one direction between two nodes, numbered from 0. The first two carry messages
// from the dialer to the acceptor; the others carry calls, with the replies back on them.
enum class StreamKind { kControl, kAppend, kForward, kSnapshot, kJoin };
inline constexpr std::size_t kStreamKinds = 5;
// Those before kJoin make up a link: a node that joins has none yet, and asks on a stream by
// itself.
inline constexpr std::size_t kLinkStreams = 4;

inline constexpr std::size_t IndexOf(StreamKind kind) {
  return static_cast<std::size_t>(kind);
}

inline constexpr bool CarriesCalls(StreamKind kind) {
  return kind == StreamKind::kForward || kind == StreamKind::kSnapshot || kind == StreamKind::kJoin;
}

StreamKind StreamKindOf(Channel channel);
StreamKind StreamKindOf(CallKind kind);
// Nothing for a channel that this version does not know.
std::optional<StreamKind> StreamKindOf(v1::PeerChannel channel);

v1::PeerChannel WireChannel(StreamKind kind);
// The label of the kind in metrics.
std::string_view ToString(StreamKind kind);
// What may wait in this node for one peer; of calls: requests at the dialer, and as much again for
// replies at the acceptor.
std::size_t QueueBytesMax(const TransportOptions& options, StreamKind kind);

}  // namespace seshat
