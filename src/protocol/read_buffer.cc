#include "read_buffer.h"

#include <algorithm>
#include <cstring>

namespace seshat {
namespace {

// Less space than this is not worth a read.
constexpr std::size_t kSpaceMin = 4 * 1024;

}  // namespace

std::span<char> ReadBuffer::Space(std::size_t missing) {
  const std::size_t wanted = missing == 0 ? kSpaceMin : std::min(missing, kSpaceMin);
  const std::size_t unread = end_ - begin_;
  if (capacity_ - end_ < wanted) {
    if (unread <= capacity_ / 2 && capacity_ >= kInitialBytes) {
      // Moving at most half of the buffer frees at least half: linear over the bytes received.
      std::memmove(data_.get(), data_.get() + begin_, unread);
      begin_ = 0;
      end_ = unread;
    } else {
      std::size_t capacity = std::max(kInitialBytes, capacity_ * 2);
      // The end of a large request is known: no need to double past it.
      if (missing > 0) capacity = std::min(capacity, std::max(kInitialBytes, unread + missing));
      MoveTo(std::max(capacity, unread + wanted));
    }
  }
  return {data_.get() + end_, capacity_ - end_};
}

void ReadBuffer::Trim() {
  const std::size_t unread = end_ - begin_;
  if (unread == 0) {
    data_.reset();
    capacity_ = 0;
    begin_ = 0;
    end_ = 0;
  } else if (const std::size_t enough = std::max(kInitialBytes, 2 * unread);
             capacity_ > 2 * enough) {
    MoveTo(enough);
  }
}

void ReadBuffer::MoveTo(std::size_t capacity) {
  const std::string_view kept = unread();
  auto data = std::make_unique_for_overwrite<char[]>(capacity);
  std::copy(kept.begin(), kept.end(), data.get());
  data_ = std::move(data);
  capacity_ = capacity;
  begin_ = 0;
  end_ = kept.size();
}

}  // namespace seshat
