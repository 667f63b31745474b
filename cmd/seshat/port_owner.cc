#include "port_owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

namespace seshat {
namespace {

// The inodes of sockets that listen on `port`. Source: proc(5), /proc/net/tcp.
void CollectListeners(const char* table, std::uint16_t port, std::set<std::string>& inodes) {
  constexpr std::string_view kListen = "0A";
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
        timeout >> inode;
    const std::size_t colon = local.rfind(':');
    if (colon == std::string::npos || state != kListen) continue;
    unsigned local_port = 0;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), local_port, 16);
    if (local_port == port) inodes.insert(inode);
  }
}

bool HasOneOf(const std::filesystem::path& process, const std::set<std::string>& inodes) {
  std::error_code error;
  std::filesystem::directory_iterator entry(process / "fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    std::error_code unreadable;
    const std::string target = std::filesystem::read_symlink(entry->path(), unreadable).string();
    constexpr std::string_view kPrefix = "socket:[";
    if (!target.starts_with(kPrefix)) continue;
    if (inodes.contains(target.substr(kPrefix.size(), target.size() - kPrefix.size() - 1))) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsPortFree(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // As servers do: connections of an earlier run that linger are no obstacle.
  const int yes = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  const bool is_free = ::bind(descriptor, generic, sizeof address) == 0;
  ::close(descriptor);
  return is_free;
}

std::optional<PortOwner> FindPortOwner(std::uint16_t port) {
  std::set<std::string> inodes;
  CollectListeners("/proc/net/tcp", port, inodes);
  CollectListeners("/proc/net/tcp6", port, inodes);
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::uint64_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    if (!HasOneOf(entry->path(), inodes)) continue;
    PortOwner owner{pid, ""};
    std::ifstream command(entry->path() / "comm");
    std::getline(command, owner.command);
    return owner;
  }
  return PortOwner{};
}

}  // namespace seshat
