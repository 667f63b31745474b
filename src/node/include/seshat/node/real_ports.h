// The ports on the real world that need no thread of their own: time, randomness, and dying.
#pragma once

#include "seshat/base/error.h"
#include "seshat/ports/clock.h"
#include "seshat/ports/fatal.h"
#include "seshat/ports/rng.h"

namespace seshat {

// Threads: thread-safe.
class SystemClock final : public Clock {
 public:
  MonotonicTime Now() const override;
  UnixMillis WallNow() const override;
};

// The kernel's generator: good for secrets.
// Threads: thread-safe.
class SystemRng final : public Rng {
 public:
  std::uint64_t Next() override;
};

// Logs why and ends the process at once, without destructors: they would flush or acknowledge what
// must not be trusted any more.
// Threads: thread-safe.
class ProcessFatalHandler final : public FatalHandler {
 public:
  static constexpr int kExitStatus = 70;  // "internal software error" of sysexits.h

  [[noreturn]] void StopNode(const Error& why) override;
  [[noreturn]] void AwaitStop() override;
};

}  // namespace seshat
