// A TCP relay on loopback that can stop moving bytes without closing anything: what a black hole or
// a stopped process looks like from the other end. May not reorder, change or lose bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace seshat {

// Threads: thread-safe.
class FreezableProxy {
 public:
  // Relays from a port of its own to 127.0.0.1:`target_port`.
  explicit FreezableProxy(std::uint16_t target_port) : target_port_(target_port) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    if (bind(listener_, Generic(address), size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, Generic(address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~FreezableProxy() {
    stop_ = true;
    thread_.join();
    for (const Relay& relay : relays_) CloseBoth(relay);
    close(listener_);
  }
  FreezableProxy(const FreezableProxy&) = delete;
  FreezableProxy& operator=(const FreezableProxy&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void Freeze() { frozen_ = true; }
  void Thaw() { frozen_ = false; }

 private:
  struct Relay {
    int from = -1;
    int to = -1;
  };

  static sockaddr_in Loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static sockaddr* Generic(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }
  static void CloseBoth(const Relay& relay) {
    close(relay.from);
    close(relay.to);
  }

  void Run() {
    while (!stop_) {
      constexpr int kTickMs = 10;
      if (frozen_) {
        poll(nullptr, 0, kTickMs);
        continue;
      }
      std::vector<pollfd> waits{{.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const Relay& relay : relays_) {
        waits.push_back({.fd = relay.from, .events = POLLIN, .revents = 0});
        waits.push_back({.fd = relay.to, .events = POLLIN, .revents = 0});
      }
      poll(waits.data(), waits.size(), kTickMs);
      for (std::size_t i = relays_.size(); i-- > 0;) {
        const Relay relay = relays_[i];
        if ((waits[1 + 2 * i].revents != 0 && !Move(relay.from, relay.to)) ||
            (waits[2 + 2 * i].revents != 0 && !Move(relay.to, relay.from))) {
          CloseBoth(relay);
          relays_.erase(relays_.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      if (waits[0].revents != 0) Accept();
    }
  }
  void Accept() {
    const Relay relay{.from = accept(listener_, nullptr, nullptr),
                      .to = socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_in target = Loopback(target_port_);
    if (connect(relay.to, Generic(target), sizeof(target)) == 0) {
      relays_.push_back(relay);
    } else {
      CloseBoth(relay);
    }
  }
  // False when either end is gone.
  bool Move(int from, int to) {
    std::array<char, 65536> bytes;
    const ssize_t got = recv(from, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t now =
          send(to, bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      if (now <= 0) return false;
      sent += now;
    }
    return true;
  }

  const std::uint16_t target_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> frozen_ = false;
  std::atomic<bool> stop_ = false;
  std::vector<Relay> relays_;  // owned by the thread
  std::thread thread_;
};

}  // namespace seshat
