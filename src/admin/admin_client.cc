#include "seshat/admin/admin_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>

namespace seshat {
namespace {

constexpr std::size_t kResponseBytesMax = 16 << 20;

using Deadline = std::chrono::steady_clock::time_point;

// Closes the descriptor it holds.
class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Waits until `events` are possible. Errors: kDeadlineExceeded; kIo.
Status Await(int descriptor, short events, Deadline deadline) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return MakeError(ErrorCode::kDeadlineExceeded, "no answer in time");
    pollfd poll_entry{descriptor, events, 0};
    const int ready = ::poll(&poll_entry, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return MakeError(ErrorCode::kIo, std::strerror(errno));
  }
}

Result<Socket> Connect(const addrinfo& address, Deadline deadline) {
  Socket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.descriptor() < 0) return MakeError(ErrorCode::kIo, std::strerror(errno));
  if (::connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return MakeError(ErrorCode::kUnavailable, std::strerror(errno));
    if (Status ready = Await(socket.descriptor(), POLLOUT, deadline); !ready) {
      return std::unexpected(ready.error());
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return MakeError(ErrorCode::kUnavailable, std::strerror(error));
  }
  return socket;
}

// Tries each address that the name stands for.
Result<Socket> ConnectByName(const std::string& host, const std::string& port, Deadline deadline) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failure = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
      failure != 0) {
    return MakeError(ErrorCode::kUnavailable,
                     fmt::format("cannot resolve {}: {}", host, ::gai_strerror(failure)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(found, &::freeaddrinfo);
  Result<Socket> socket = MakeError(ErrorCode::kUnavailable, "no address");
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    Result<Socket> attempt = Connect(*address, deadline);
    if (attempt) return attempt;
    socket = std::unexpected(attempt.error());
    if (attempt.error().code() == ErrorCode::kDeadlineExceeded) break;
  }
  return socket;
}

Status SendAll(const Socket& socket, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (Status ready = Await(socket.descriptor(), POLLOUT, deadline); !ready) return ready;
    } else if (errno != EINTR) {
      return MakeError(ErrorCode::kUnavailable, std::strerror(errno));
    }
  }
  return {};
}

Result<std::string> ReceiveAll(const Socket& socket, Deadline deadline) {
  std::string received;
  char buffer[16 * 1024];
  while (received.size() <= kResponseBytesMax) {
    const ssize_t count = ::recv(socket.descriptor(), buffer, sizeof buffer, 0);
    if (count == 0) return received;
    if (count > 0) {
      received.append(buffer, static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (Status ready = Await(socket.descriptor(), POLLIN, deadline); !ready) {
        return std::unexpected(ready.error());
      }
    } else if (errno != EINTR) {
      return MakeError(ErrorCode::kUnavailable, std::strerror(errno));
    }
  }
  return MakeError(ErrorCode::kCorruption, "the answer is larger than 16 MiB");
}

Result<AdminResponse> ParseResponse(const std::string& text) {
  constexpr std::string_view kPrefix = "HTTP/1.";
  const std::size_t body = text.find("\r\n\r\n");
  AdminResponse response;
  if (!text.starts_with(kPrefix) || text.size() < 12 || body == std::string::npos) {
    return MakeError(ErrorCode::kCorruption, "the answer is not HTTP");
  }
  const char* const code = text.data() + 9;
  if (std::from_chars(code, code + 3, response.status).ptr != code + 3) {
    return MakeError(ErrorCode::kCorruption, "the answer has no HTTP status code");
  }
  response.body = text.substr(body + 4);
  return response;
}

// `head`: the request line and the headers that only it has.
Result<AdminResponse> Ask(const std::string& address, const std::string& head, Duration timeout) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("admin address \"{}\": allowed: HOST:PORT", address));
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const auto with_context = [&](Error error) {
    return std::unexpected(std::move(error).WithContext("admin endpoint " + address));
  };
  Result<Socket> socket = ConnectByName(host, address.substr(colon + 1), deadline);
  if (!socket) return with_context(socket.error());
  // HTTP/1.0: the answer ends where the connection does, and is never chunked.
  const std::string request =
      fmt::format("{}\r\nHost: {}\r\nConnection: close\r\n\r\n", head, address);
  if (Status sent = SendAll(*socket, request, deadline); !sent) return with_context(sent.error());
  Result<std::string> text = ReceiveAll(*socket, deadline);
  if (!text) return with_context(text.error());
  Result<AdminResponse> response = ParseResponse(*text);
  if (!response) return with_context(response.error());
  return response;
}

}  // namespace

Result<AdminResponse> AdminGet(const std::string& address, const std::string& path,
                               Duration timeout) {
  return Ask(address, fmt::format("GET {} HTTP/1.0", path), timeout);
}

Result<AdminResponse> AdminPost(const std::string& address, const std::string& path,
                                Duration timeout) {
  return Ask(
      address,
      fmt::format("POST {} HTTP/1.0\r\nContent-Length: 0\r\n{}: 1", path, kAdminRequestHeader),
      timeout);
}

}  // namespace seshat
