#include "output_queue.h"

#include <algorithm>
#include <utility>

namespace seshat {
namespace {

constexpr std::size_t kSmallBytes = 4 * 1024;  // copied into the chunk before it
constexpr std::size_t kChunkBytes = 16 * 1024;
constexpr std::size_t kChunksKept = 8;

}  // namespace

void OutputQueue::Push(std::string bytes) {
  if (bytes.empty()) return;
  bytes_ += bytes.size();
  const bool joins = head_ < chunks_.size() && bytes.size() <= kSmallBytes &&
                     chunks_.back().size() + bytes.size() <= kChunkBytes;
  if (joins) {
    chunks_.back() += bytes;
  } else {
    chunks_.push_back(std::move(bytes));
  }
}

std::size_t OutputQueue::Gather(std::span<std::string_view> parts) const {
  const std::size_t count = std::min(parts.size(), chunks_.size() - head_);
  for (std::size_t i = 0; i < count; ++i) parts[i] = chunks_[head_ + i];
  if (count > 0) parts[0].remove_prefix(head_offset_);
  return count;
}

void OutputQueue::Consume(std::size_t bytes) {
  bytes_ -= bytes;
  while (bytes > 0) {
    std::string& chunk = chunks_[head_];
    const std::size_t left = chunk.size() - head_offset_;
    if (bytes < left) {
      head_offset_ += bytes;
      return;
    }
    bytes -= left;
    chunk = {};
    ++head_;
    head_offset_ = 0;
  }
  if (head_ == chunks_.size()) {
    if (chunks_.capacity() > kChunksKept) chunks_ = {};
    chunks_.clear();
    head_ = 0;
  } else if (head_ > chunks_.size() / 2) {
    chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

}  // namespace seshat
