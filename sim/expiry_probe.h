// ExpiryProbe: asks whether a key's old expiry can hurt the value that came after it.
//
// The model of histories knows no expiry, whose moment nobody can see. What can be said without it:
// SET k old PX few, then SET k new, both acknowledged; from then on GET k is `new`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "connection.h"
#include "seshat/base/random.h"

namespace seshat {

// One client's probes, one after the other, each on a key of its own.
// Threads: owned by the simulation's thread.
class ExpiryProbe {
 public:
  // The next command of the probe that is under way, or the first of a new one.
  // Pre: the command before has been answered or given up.
  CommandText NextCommand(Random& random, std::size_t client);
  bool IsUnderWay() const { return step_ != Step::kNone; }
  bool IsAwaitingReply() const { return is_awaiting_reply_; }

  // What is wrong with the reply, if anything is. Errors end the probe.
  std::optional<std::string> OnReply(const Reply& reply);
  // The outcome of its last command is unknown.
  void GiveUp();

 private:
  enum class Step { kNone, kSetOld, kSetNew, kGet, kGetAgain, kDelete };

  Step step_ = Step::kNone;
  bool is_awaiting_reply_ = false;
  std::string key_;
  std::uint64_t probes_ = 0;
};

}  // namespace seshat
