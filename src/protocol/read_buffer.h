// The bytes that a connection has received and not yet parsed. Private to the TCP sessions.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace seshat {

// Holds no memory while empty and idle, so that thousands of idle connections cost nothing; grows
// by doubling with what has arrived, never with what a client merely announces.
// Threads: owned by its connection.
class ReadBuffer {
 public:
  static constexpr std::size_t kInitialBytes = 16 * 1024;

  // Space after the unread bytes, never empty. `missing`: what the request being received still
  // needs, 0 if unknown. Views of unread() die.
  std::span<char> Space(std::size_t missing);
  // The first `bytes` of Space() have been filled.
  void Commit(std::size_t bytes) { end_ += bytes; }

  std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
  // The first `bytes` of unread() are done with.
  void Consume(std::size_t bytes) { begin_ += bytes; }

  // Gives back memory that is not needed while nothing arrives.
  void Trim();
  std::size_t capacity() const { return capacity_; }

 private:
  void MoveTo(std::size_t capacity);

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace seshat
