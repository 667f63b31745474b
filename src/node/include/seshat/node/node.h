// Node: one Seshat node in this process, wired from all layers.
#pragma once

#include <functional>
#include <memory>

#include "seshat/base/error.h"
#include "seshat/node/node_config.h"

namespace seshat {

// Where a running node listens, ports resolved.
struct NodeAddresses {
  Endpoint client;
  Endpoint internal;
  Endpoint admin;
};

// Threads: Start, Stop and the destructor by one thread; `on_failure` comes from another.
class Node {
 public:
  // Opens the data directory and all doors, and begins to join its cluster; the admin endpoint's
  // /ready says when it serves.
  //
  // `on_failure` is called at most once, when the node cannot go on but may still stop in order,
  // such as when its peers refuse it for good. It must not call Stop itself. A failing disk does
  // not come this way: it ends the process (ProcessFatalHandler).
  // Errors: what keeps a node from starting, in words for its operator: kInvalidArgument,
  //         kFailedPrecondition, kIo, kCorruption.
  static Result<std::unique_ptr<Node>> Start(const NodeConfig& config,
                                             std::function<void(const Error&)> on_failure);
  // Stops.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  NodeAddresses addresses() const;

  // Takes no more requests, answers those in flight within a few seconds, writes out what is
  // queued for the disk, and ends every thread. May be called twice.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  explicit Node(std::unique_ptr<Impl> impl);
};

}  // namespace seshat
