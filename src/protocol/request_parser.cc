#include "seshat/resp/request_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

#include "inline_arguments.h"

namespace seshat {
namespace {

constexpr std::size_t kUnauthenticatedArgumentsMax = 10;
constexpr std::size_t kUnauthenticatedBulkBytesMax = 16 * 1024;
// Memory kept between requests; what a rare wide request needed beyond it is given back.
constexpr std::size_t kPiecesKept = 256;
constexpr std::size_t kBatchArgumentsKept = 64 * 1024;

// An integer as Redis's string2ll takes it: no leading zeros, no plus, no "-0", nothing after.
std::optional<std::int64_t> ParseStrictInteger(std::string_view text) {
  if (text == "0") return 0;
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  if (digits.empty() || digits[0] < '1' || digits[0] > '9') return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc() || rest != end) return std::nullopt;
  return value;
}

}  // namespace

void RequestBatch::Clear() {
  if (arguments_.capacity() > kBatchArgumentsKept) arguments_ = {};
  arguments_.clear();
  ends_.clear();
  unquoted_.clear();
  requests_.clear();
}

std::span<const Arguments> RequestBatch::requests() {
  requests_.clear();
  std::size_t begin = 0;
  for (const std::size_t end : ends_) {
    requests_.emplace_back(arguments_.data() + begin, end - begin);
    begin = end;
  }
  return requests_;
}

ParseProgress RequestParser::Parse(std::string_view buffer, const RequestLimits& limits,
                                   std::size_t requests_max, RequestBatch& batch) {
  ParseProgress progress;
  missing_ = 0;
  const std::size_t size_max = batch.size() + requests_max;
  while (progress.consumed < buffer.size() && batch.size() < size_max) {
    const std::string_view request = buffer.substr(progress.consumed);
    const Step step = request[0] == '*' ? ParseMultibulk(request, limits, batch)
                                        : ParseInline(request, limits, batch);
    if (step == Step::kError) progress.error = error_;
    if (step != Step::kDone) break;
    progress.consumed += position_;
    StartNext();
  }
  progress.missing = missing_;
  return progress;
}

RequestParser::Step RequestParser::ParseMultibulk(std::string_view request,
                                                  const RequestLimits& limits,
                                                  RequestBatch& batch) {
  if (arguments_left_ == 0) {
    const Step step = ParseCount(request, limits);
    // A count of zero or less is a request of nothing: skipped.
    if (step != Step::kDone || arguments_left_ == 0) return step;
  }
  while (arguments_left_ > 0) {
    if (bulk_bytes_ == kUnknown) {
      const Step step = ParseBulkLength(request, limits);
      if (step != Step::kDone) return step;
    }
    // The two bytes after an argument are taken to be its CRLF and not looked at, as in Redis.
    const std::size_t wanted = bulk_bytes_ + 2;
    if (request.size() - position_ < wanted) {
      missing_ = wanted - (request.size() - position_);
      return Step::kNeedMore;
    }
    pieces_.push_back({position_, bulk_bytes_});
    position_ += wanted;
    bulk_bytes_ = kUnknown;
    --arguments_left_;
  }
  for (const Piece& piece : pieces_) {
    batch.arguments_.push_back(request.substr(piece.offset, piece.bytes));
  }
  batch.ends_.push_back(batch.arguments_.size());
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseCount(std::string_view request,
                                              const RequestLimits& limits) {
  const Line line = FindLine(request, '\r', limits.inline_bytes_max);
  if (line == Line::kTooLong) return Fail("too big mbulk count string");
  if (line == Line::kPartial) return Step::kNeedMore;
  const std::optional<std::int64_t> count = ParseStrictInteger(request.substr(1, line_end_ - 1));
  if (!count || *count > static_cast<std::int64_t>(limits.arguments_max)) {
    return Fail("invalid multibulk length");
  }
  if (limits.unauthenticated && *count > std::int64_t{kUnauthenticatedArgumentsMax}) {
    return Fail("unauthenticated multibulk length");
  }
  position_ = line_end_ + 2;
  if (*count > 0) arguments_left_ = static_cast<std::size_t>(*count);
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseBulkLength(std::string_view request,
                                                   const RequestLimits& limits) {
  const Line line = FindLine(request, '\r', limits.inline_bytes_max);
  if (line == Line::kTooLong) return Fail("too big bulk count string");
  if (line == Line::kPartial) return Step::kNeedMore;
  const char type = request[position_];
  if (type != '$') {
    const char shown = type == '\r' || type == '\n' ? ' ' : type;
    return Fail(std::string("expected '$', got '") + shown + "'");
  }
  const std::optional<std::int64_t> length =
      ParseStrictInteger(request.substr(position_ + 1, line_end_ - position_ - 1));
  if (!length || *length < 0 || *length > static_cast<std::int64_t>(limits.bulk_bytes_max)) {
    return Fail("invalid bulk length");
  }
  const auto bytes = static_cast<std::size_t>(*length);
  if (limits.unauthenticated && bytes > kUnauthenticatedBulkBytesMax) {
    return Fail("unauthenticated bulk length");
  }
  if (line_end_ + 2 + bytes + 2 > limits.request_bytes_max) {
    return Fail("request exceeds the limit of " + std::to_string(limits.request_bytes_max) +
                " bytes");
  }
  position_ = line_end_ + 2;
  bulk_bytes_ = bytes;
  return Step::kDone;
}

RequestParser::Step RequestParser::ParseInline(std::string_view request,
                                               const RequestLimits& limits, RequestBatch& batch) {
  const std::size_t bytes_max = std::min(limits.inline_bytes_max, limits.request_bytes_max);
  const Line line = FindLine(request, '\n', bytes_max);
  if (line == Line::kTooLong) return Fail("too big inline request");
  if (line == Line::kPartial) return Step::kNeedMore;
  std::string_view text = request.substr(0, line_end_);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t arguments_before = batch.arguments_.size();
  if (!SplitInlineArguments(text, batch.arguments_, batch.unquoted_)) {
    batch.arguments_.resize(arguments_before);
    return Fail("unbalanced quotes in request");
  }
  position_ = line_end_ + 1;
  if (batch.arguments_.size() > arguments_before) batch.ends_.push_back(batch.arguments_.size());
  return Step::kDone;
}

// Looks for the end of the line that begins at position_, never twice at the same byte.
RequestParser::Line RequestParser::FindLine(std::string_view request, char terminator,
                                            std::size_t bytes_max) {
  const std::size_t end = std::min(request.size(), position_ + bytes_max + 1);
  const std::size_t begin = std::min(std::max(scanned_, position_), end);
  const void* const found = std::memchr(request.data() + begin, terminator, end - begin);
  if (found == nullptr) {
    scanned_ = end;
    return request.size() - position_ > bytes_max ? Line::kTooLong : Line::kPartial;
  }
  line_end_ = static_cast<std::size_t>(static_cast<const char*>(found) - request.data());
  scanned_ = line_end_;
  // After a '\r' one more byte belongs to the line.
  const bool whole = terminator == '\n' || line_end_ + 1 < request.size();
  return whole ? Line::kComplete : Line::kPartial;
}

RequestParser::Step RequestParser::Fail(std::string_view what) {
  error_ = "ERR Protocol error: ";
  error_ += what;
  return Step::kError;
}

void RequestParser::StartNext() {
  position_ = 0;
  scanned_ = 0;
  arguments_left_ = 0;
  bulk_bytes_ = kUnknown;
  if (pieces_.capacity() > kPiecesKept) pieces_ = {};
  pieces_.clear();
}

}  // namespace seshat
