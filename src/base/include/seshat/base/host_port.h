// "host:port" taken apart, as addresses in the cluster's membership are written.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace seshat {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  std::int64_t port = 0;
};

// What is no number after the last colon gives port 0.
inline HostPort SplitHostPort(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  HostPort parts{.host = std::string(host), .port = 0};
  if (colon != std::string_view::npos) {
    const std::string_view port = address.substr(colon + 1);
    std::from_chars(port.data(), port.data() + port.size(), parts.port);
  }
  return parts;
}

}  // namespace seshat
