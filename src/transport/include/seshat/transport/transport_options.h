// What a node tells the transport at start: who it is, where it listens, and every bound.
//
// Whether listening beyond loopback without a secret is allowed is decided above (node/).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/base/unique_function.h"
#include "seshat/transport/handshake_policy.h"

namespace seshat {

// Something an operator wants in the log. Not for decisions: it may be late.
struct LinkEvent {
  enum class Kind {
    kConnected,       // this node can send to the peer
    kDisconnected,    // a link that was up has broken; it is dialled again
    kDialFailed,      // an attempt to reach the peer failed; it is tried again with back-off
    kRefusedInbound,  // somebody who claims to be `peer` was refused at our door
  };
  Kind kind = Kind::kConnected;
  NodeId peer;
  std::string detail;  // why, or the address; empty never
};

struct TransportOptions {
  NodeId node_id;
  std::string listen_address;  // host:port or [v6]:port; port 0 takes a free one
  std::string cluster_secret;  // empty: no proofs, and peers must have none either

  // Payload bytes in one message, for one payload's piece or many payloads.
  std::size_t frame_bytes_max = std::size_t{1} << 20;
  // One payload, sent or reassembled: the request limit (64 MiB) and room for its envelope.
  std::size_t payload_bytes_max = std::size_t{65} << 20;

  // Waiting in this node for one peer; past it, Send drops and Call is refused. For calls: as much
  // again for replies, and one that does not fit breaks its call.
  std::size_t control_queue_bytes_max = std::size_t{4} << 20;
  std::size_t append_queue_bytes_max = std::size_t{64} << 20;
  std::size_t forward_queue_bytes_max = std::size_t{64} << 20;
  std::size_t snapshot_queue_bytes_max = std::size_t{16} << 20;
  // Calls of one kind without an answer, to one peer and from one peer.
  std::size_t calls_in_flight_max = 16384;
  // Streams from anyone that have not finished their handshake.
  std::size_t inbound_handshakes_max = 256;

  Duration backoff_min = std::chrono::milliseconds(50);
  Duration backoff_max = std::chrono::seconds(2);
  // From dialling to the last Welcome, and from an accepted stream to ours.
  Duration handshake_timeout = std::chrono::seconds(5);
  // A stream on which nothing is sent for `interval` sends a sign of life; one on which nothing
  // arrives for `interval` and `timeout` more is broken.
  Duration keepalive_interval = std::chrono::seconds(1);
  Duration keepalive_timeout = std::chrono::seconds(2);

  // May be empty. Called on transport threads, outside all locks; must not block.
  std::function<void(const LinkEvent&)> on_link_event;
  // Answers a node that is no member yet and asks to become one (TcpTransport::AskToJoin); it has
  // proven the cluster secret, if there is one, and nothing else. `reply` as in
  // PeerHandler::OnCall. Empty: such nodes are refused. Called as the other.
  std::function<void(const PeerHello& from, std::string request,
                     UniqueFunction<void(std::string)> reply)>
      on_join;
};

}  // namespace seshat
