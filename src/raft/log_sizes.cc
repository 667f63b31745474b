#include "log_sizes.h"

#include <algorithm>
#include <numeric>

namespace seshat {

void LogSizes::Append(std::size_t bytes) {
  sizes_.push_back(static_cast<std::uint32_t>(bytes));
  total_ += bytes;
}

void LogSizes::TruncateFrom(LogIndex index) {
  while (!sizes_.empty() && first_ + sizes_.size() > index) {
    total_ -= sizes_.back();
    sizes_.pop_back();
  }
}

void LogSizes::CutBefore(LogIndex index) {
  while (!sizes_.empty() && first_ < index) {
    total_ -= sizes_.front();
    sizes_.pop_front();
    first_ = first_.Next();
  }
}

std::uint64_t LogSizes::BytesFrom(LogIndex index) const {
  const std::uint64_t before = index > first_ ? index.value() - first_.value() : 0;
  const auto from =
      sizes_.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(before, sizes_.size()));
  return std::accumulate(from, sizes_.end(), std::uint64_t{0});
}

LogIndex LogSizes::TailStart(std::uint64_t bytes_max) const {
  std::uint64_t bytes = 0;
  std::size_t kept = 0;
  while (kept < sizes_.size() && bytes + sizes_[sizes_.size() - kept - 1] <= bytes_max) {
    bytes += sizes_[sizes_.size() - kept - 1];
    ++kept;
  }
  return first_ + (sizes_.size() - kept);
}

}  // namespace seshat
