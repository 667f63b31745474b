// Turns the bytes of a connection into requests: RESP arrays of bulk strings and inline commands.
//
// Pure and zero-copy: arguments are views into the caller's read buffer. Resumable at any byte and
// linear in the bytes received, whatever the split. It knows no command's meaning.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/resp/request.h"

namespace seshat {

// What a client may send. May differ from call to call: it grows once a client has authenticated.
struct RequestLimits {
  std::size_t inline_bytes_max = 64 * 1024;        // an inline command, or a line with a length
  std::size_t arguments_max = 1024 * 1024;         // of one request
  std::size_t bulk_bytes_max = 512 * 1024 * 1024;  // of one argument; Redis's proto-max-bulk-len
  std::size_t request_bytes_max = 64 * 1024 * 1024;
  bool unauthenticated = false;  // at most 10 arguments of at most 16 KiB, as Redis has it
};

// Complete requests, in order. Reuse one: it keeps its memory.
// Threads:  owned by its user.
// Lifetime: what requests() returns dies with the next call to a member, with the next
//           RequestParser::Parse() and with the buffer that was parsed.
class RequestBatch {
 public:
  void Clear();
  std::size_t size() const { return ends_.size(); }
  std::span<const Arguments> requests();

 private:
  friend class RequestParser;

  std::vector<std::string_view> arguments_;  // of all requests
  std::vector<std::size_t> ends_;            // in arguments_, one for each request
  std::deque<std::string> unquoted_;         // inline arguments that are not in the buffer as such
  std::vector<Arguments> requests_;
};

struct ParseProgress {
  // Bytes at the front of the buffer that are dealt with; drop them before the next call (but not
  // before the requests of the batch have been).
  std::size_t consumed = 0;
  // What the request that has begun needs at least before another call can be of use; 0 when
  // unknown or when none has begun.
  std::size_t missing = 0;
  // Empty, or the whole reply line: "ERR Protocol error: invalid bulk length". The connection is
  // then to be closed and the parser not to be called again.
  std::string error;
};

// Threads: owned by its user; one for each connection.
// Source:  Redis 7.0.15's behaviour, except where README.md of this layer says otherwise.
class RequestParser {
 public:
  // Appends to `batch` the complete requests at the front of `buffer`, at most `requests_max`.
  // `buffer` holds every byte received and not yet consumed; it may lie elsewhere at each call.
  // Requests before an error are in the batch.
  ParseProgress Parse(std::string_view buffer, const RequestLimits& limits,
                      std::size_t requests_max, RequestBatch& batch);

 private:
  enum class Step { kDone, kNeedMore, kError };
  enum class Line { kComplete, kPartial, kTooLong };
  struct Piece {
    std::size_t offset = 0;
    std::size_t bytes = 0;
  };
  static constexpr std::size_t kUnknown = static_cast<std::size_t>(-1);

  Step ParseMultibulk(std::string_view request, const RequestLimits& limits, RequestBatch& batch);
  Step ParseCount(std::string_view request, const RequestLimits& limits);
  Step ParseBulkLength(std::string_view request, const RequestLimits& limits);
  Step ParseInline(std::string_view request, const RequestLimits& limits, RequestBatch& batch);
  Line FindLine(std::string_view request, char terminator, std::size_t bytes_max);
  Step Fail(std::string_view what);
  void StartNext();

  // All offsets count from the first byte of the request being parsed.
  std::size_t position_ = 0;           // everything before it is parsed
  std::size_t scanned_ = 0;            // everything before it was searched for a line's end
  std::size_t line_end_ = 0;           // set by FindLine: where the terminator stands
  std::size_t arguments_left_ = 0;     // 0: the count has not been read
  std::size_t bulk_bytes_ = kUnknown;  // of the argument that begins at position_
  std::vector<Piece> pieces_;          // arguments that are complete
  std::size_t missing_ = 0;
  std::string error_;
};

}  // namespace seshat
