// Stops the node once, whichever thread of the storage layer fails first.
#pragma once

#include <atomic>

#include "seshat/base/error.h"
#include "seshat/ports/fatal.h"

namespace seshat {

// Threads: thread-safe.
class StopSwitch {
 public:
  explicit StopSwitch(FatalHandler& fatal) : fatal_(fatal) {}

  // Returns only in a test or a simulation; nothing may be acknowledged from then on.
  void Stop(const Error& why) {
    if (!stopped_.exchange(true)) fatal_.StopNode(why);
  }
  // For the thread that has found it stopped and may not return as if nothing had happened.
  void AwaitStop() { fatal_.AwaitStop(); }
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

 private:
  FatalHandler& fatal_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace seshat
