// The options of SET and EXPIRE, parsed the same on the node that validates and on those that
// apply.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// A time as the client gave it, in milliseconds.
struct RequestedExpiry {
  enum class Base { kEntryTime, kEpoch };
  Base base = Base::kEntryTime;
  std::int64_t millis = 0;

  // The instant it means, or nothing when that does not fit. Pre: entry_time.value >= 0.
  std::optional<UnixMillis> At(UnixMillis entry_time) const;
};

struct SetOptions {
  enum class Condition { kAlways, kIfAbsent, kIfPresent };
  Condition condition = Condition::kAlways;
  bool get = false;
  bool keep_ttl = false;
  std::optional<RequestedExpiry> expiry = {};  // millis > 0
};

// Pre: arguments are those of SET, with its arity. Source: Redis 7.0, SET.
std::expected<SetOptions, Reply> ParseSetOptions(Arguments arguments);

struct ExpireOptions {
  bool if_persistent = false;   // NX
  bool if_volatile = false;     // XX
  bool if_later = false;        // GT
  bool if_earlier = false;      // LT
  RequestedExpiry expiry = {};  // any sign
};

// Pre: arguments are those of EXPIRE or PEXPIRE, as `spec` says, with its arity.
// Source: Redis 7.0, EXPIRE.
std::expected<ExpireOptions, Reply> ParseExpireOptions(const CommandSpec& spec,
                                                       Arguments arguments);

}  // namespace seshat
