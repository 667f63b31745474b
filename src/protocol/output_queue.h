// Replies that wait for their socket. Private to the TCP sessions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace seshat {

// Small replies are joined, large ones are kept as they came, so that one gathering write takes
// many of either. Its bound is the session's business.
// Threads: owned by its connection.
class OutputQueue {
 public:
  void Push(std::string bytes);

  // Fills `parts` with the first pieces; returns how many. They die with the next Push or Consume.
  std::size_t Gather(std::span<std::string_view> parts) const;
  // The first `bytes` have been written.
  void Consume(std::size_t bytes);

  std::size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }

 private:
  std::vector<std::string> chunks_;  // those before head_ are written and empty
  std::size_t head_ = 0;
  std::size_t head_offset_ = 0;  // bytes of the chunk at head_ that are written
  std::size_t bytes_ = 0;
};

}  // namespace seshat
