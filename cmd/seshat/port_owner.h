// Who listens on a port of this machine, for an error message that says whom to ask.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace seshat {

struct PortOwner {
  std::uint64_t pid = 0;  // 0: somebody whose processes this user may not look into
  std::string command;    // "redis-server"
};

// Whether 127.0.0.1:`port` could be bound now.
bool IsPortFree(std::uint16_t port);

// Who has `port`, by /proc/net/tcp{,6} and /proc/*/fd. Empty when nobody listens there.
std::optional<PortOwner> FindPortOwner(std::uint16_t port);

}  // namespace seshat
