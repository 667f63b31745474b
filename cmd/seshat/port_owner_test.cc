#include "port_owner.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace seshat {
namespace {

// Listens on a free loopback port for its lifetime.
class Listener {
 public:
  Listener() : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(descriptor_, 1), 0);
    EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(descriptor_); }

  std::uint16_t port() const { return port_; }

 private:
  const int descriptor_;
  std::uint16_t port_ = 0;
};

TEST(PortOwnerTest, FindsTheProcessThatListens) {
  const Listener listener;

  const std::optional<PortOwner> owner = FindPortOwner(listener.port());

  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(owner->pid, static_cast<std::uint64_t>(::getpid()));
  EXPECT_EQ(owner->command, "seshat_command_");  // the kernel keeps 15 characters
  EXPECT_FALSE(IsPortFree(listener.port()));
}

TEST(PortOwnerTest, APortThatNobodyHasIsFreeAndHasNoOwner) {
  std::uint16_t port = 0;
  {
    const Listener listener;
    port = listener.port();
  }

  EXPECT_FALSE(FindPortOwner(port).has_value());
  EXPECT_TRUE(IsPortFree(port));
}

}  // namespace
}  // namespace seshat
