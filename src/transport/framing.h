// Payloads to frames and back: the bounded queue before a stream's writer, and the assembler behind
// its reader. Pure: no stream, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "seshat/base/error.h"

namespace seshat {

namespace v1 {
class Frame;
class FrameBatch;
}  // namespace v1

// One payload on its way; `call_id` is 0 on streams that carry no calls.
struct Payload {
  std::string bytes;
  std::uint64_t call_id = 0;
  bool broken = false;  // in place of a reply: there will be none
};

// Payloads that wait for the write in flight to end. They leave in order and together.
// Threads: guarded by its stream's mutex.
class SendQueue {
 public:
  // What each payload costs beyond its bytes, so that empty ones are bounded too.
  static constexpr std::size_t kOverheadBytes = 64;

  explicit SendQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // False, and nothing queued, when it does not fit. An empty queue takes any one payload: a bound
  // must not make a legal payload impossible to send.
  bool Push(Payload payload);
  // Queues without regard to the bound. For what must not be lost and is small.
  void PushAlways(Payload payload);

  // Moves payloads, or the next piece of one, to `batch`: at most `frame_bytes_max` with overhead.
  // False when nothing was waiting.
  bool NextBatch(std::size_t frame_bytes_max, v1::FrameBatch& batch);

  // Removes the payload of a call. False when some of it has left: then the rest leaves too.
  // Pre: calls were pushed with ascending ids.
  bool Cancel(std::uint64_t call_id);
  // Whether some of the call's payload is still here, so that the peer cannot have acted on it.
  // Pre: calls were pushed with ascending ids.
  bool Contains(std::uint64_t call_id) const;

  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_max() const { return bytes_max_; }

 private:
  struct Waiting {
    Payload payload;
    std::size_t offset = 0;  // bytes before it have left
    bool cancelled = false;
  };
  std::deque<Waiting>::const_iterator Find(std::uint64_t call_id) const;

  std::size_t bytes_max_;
  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;  // what has not left, with overhead
};

// Puts the pieces of payloads together again.
// Threads: owned by its stream's reader.
class FrameAssembler {
 public:
  explicit FrameAssembler(std::size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

  // Takes the frame's bytes. A payload when this was its last piece.
  // Errors: kCorruption for frames that no honest sender makes: over the limit, pieces of two
  //         calls mixed. The stream must be closed.
  Result<std::optional<Payload>> Add(v1::Frame& frame);

 private:
  const std::size_t payload_bytes_max_;
  bool within_payload_ = false;
  Payload partial_;
};

}  // namespace seshat
