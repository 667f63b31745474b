// Keys of a log family: `log:` and 20 digits, so that byte order is index order.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include "seshat/base/ids.h"

namespace seshat {

// Made for every record written, so it does not allocate.
// Threads: immutable.
class LogKey {
 public:
  explicit LogKey(LogIndex index) {
    std::uint64_t rest = index.value();
    for (std::size_t i = kBytes; i-- > kPrefix.size();) {
      bytes_[i] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    }
    kPrefix.copy(bytes_.data(), kPrefix.size());
  }

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

  // Empty for a key that is none.
  static std::optional<LogIndex> Parse(std::string_view key) {
    if (key.size() != kBytes || !key.starts_with(kPrefix)) return std::nullopt;
    std::uint64_t index = 0;
    const char* const last = key.data() + key.size();
    const auto [rest, error] = std::from_chars(key.data() + kPrefix.size(), last, index);
    if (error != std::errc() || rest != last) return std::nullopt;
    return LogIndex(index);
  }

 private:
  static constexpr std::string_view kPrefix = "log:";
  static constexpr std::size_t kBytes = 24;
  std::array<char, kBytes> bytes_;
};

}  // namespace seshat
