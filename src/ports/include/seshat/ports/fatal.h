// How a layer stops the node: a failed log write, a failed fsync, a bad checksum.
#pragma once

#include "seshat/base/error.h"

namespace seshat {

// Threads: thread-safe.
class FatalHandler {
 public:
  virtual ~FatalHandler() = default;

  // Stops the node at once: nothing more is acknowledged. In a process this does not return; in a
  // simulation it marks the node as crashed, so callers must return without further effects.
  virtual void StopNode(const Error& why) = 0;

  // For a thread that may not go on while another is stopping the node: in a process this does not
  // return either.
  virtual void AwaitStop() {}
};

}  // namespace seshat
