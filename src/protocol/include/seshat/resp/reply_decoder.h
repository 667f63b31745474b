// The client's half of RESP: bytes into replies. For tests and tools, and for what a peer forwards.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/resp/reply.h"

namespace seshat {

struct ReplyLimits {
  std::size_t depth_max = 32;                  // aggregates inside aggregates
  std::size_t items_max = 16 * 1024 * 1024;    // of one reply, all levels together
  std::size_t bytes_max = 1024 * 1024 * 1024;  // of one reply
};

// Decodes RESP2 and RESP3 incrementally, linear in the bytes fed. Attributes are dropped; RESP3's
// streamed strings and aggregates, which Redis does not send, are refused.
// Threads: owned by its user.
class RespDecoder {
 public:
  explicit RespDecoder(ReplyLimits limits = {}) : limits_(limits) {}

  // Appends bytes as they came.
  void Feed(std::string_view bytes);

  // The next complete reply; nullopt when more bytes are needed.
  // Errors: kCorruption when the bytes are not RESP; kResourceExhausted past a limit. The decoder
  //         has then lost its place: throw it away.
  Result<std::optional<Reply>> Next();

  // Bytes fed and not yet part of a complete reply.
  std::size_t pending_bytes() const { return buffer_.size() - position_; }

 private:
  struct Frame {
    Reply reply;
    std::size_t items_left = 0;
    bool is_attribute = false;
  };
  // What one step over the buffer gave.
  enum class Step { kValue, kOpened, kNeedMore };

  Result<Step> ReadOne(Reply& value);
  Result<Step> ReadLine(char type, std::string_view line, Reply& value);
  Result<Step> OpenText(char type, std::string_view line, Reply& value);
  Result<Step> OpenAggregate(char type, std::string_view line, Reply& value);
  Result<Step> FinishText(Reply& value);
  bool Place(Reply value, Reply& whole);
  Status CountBytes(std::size_t bytes);
  void DropConsumed();

  const ReplyLimits limits_;
  std::string buffer_;
  std::size_t position_ = 0;  // everything before it is decoded
  std::size_t scanned_ = 0;   // everything before it was searched for a line's end
  // Of the reply being decoded:
  std::vector<Frame> open_;
  std::optional<std::size_t> text_bytes_;  // a text of this size begins at position_
  char text_type_ = 0;
  std::size_t items_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace seshat
