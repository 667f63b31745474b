// OwnedArguments: a request kept beyond the read buffer that it came in, in one allocation.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "seshat/resp/request.h"

namespace seshat {

// Threads: a value type; owned by its user. Moving it does not move its views.
class OwnedArguments {
 public:
  explicit OwnedArguments(Arguments arguments) {
    for (std::string_view argument : arguments) size_bytes_ += argument.size();
    bytes_ = std::make_unique_for_overwrite<char[]>(size_bytes_);
    views_.reserve(arguments.size());
    char* next = bytes_.get();
    for (std::string_view argument : arguments) {
      if (!argument.empty()) std::memcpy(next, argument.data(), argument.size());
      views_.emplace_back(next, argument.size());
      next += argument.size();
    }
  }

  Arguments view() const { return views_; }
  std::size_t size_bytes() const { return size_bytes_; }

 private:
  std::size_t size_bytes_ = 0;
  std::unique_ptr<char[]> bytes_;
  std::vector<std::string_view> views_;
};

}  // namespace seshat
