#include "seshat/resp/reply_decoder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace seshat {
namespace {

constexpr std::size_t kLineBytesMax = 64 * 1024 * 1024;  // simple strings and errors
constexpr std::size_t kBufferKept = 64 * 1024;

std::unexpected<Error> Malformed(std::string_view what) {
  return MakeError(ErrorCode::kCorruption, "malformed reply: " + std::string(what));
}

std::unexpected<Error> TooLarge(std::string_view what, std::size_t limit) {
  return MakeError(ErrorCode::kResourceExhausted,
                   "reply exceeds " + std::string(what) + " of " + std::to_string(limit));
}

std::optional<std::int64_t> ParseInteger(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || code != std::errc() || rest != end) return std::nullopt;
  return value;
}

bool IsBigNumber(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Reply EmptyAggregate(char type) {
  switch (type) {
    case '~':
      return Reply::Set({});
    case '>':
      return Reply::Push({});
    case '*':
      return Reply::Array({});
    default:  // '%' and '|'
      return Reply::Map({});
  }
}

}  // namespace

void RespDecoder::Feed(std::string_view bytes) {
  buffer_.append(bytes);
}

Result<std::optional<Reply>> RespDecoder::Next() {
  for (;;) {
    Reply value;
    const Result<Step> step = ReadOne(value);
    if (!step) return std::unexpected(step.error());
    if (*step == Step::kNeedMore) {
      DropConsumed();
      return std::nullopt;
    }
    Reply whole;
    if (*step == Step::kOpened || !Place(std::move(value), whole)) continue;
    items_ = 0;
    bytes_ = 0;
    return whole;
  }
}

// Reads one value that is no aggregate, or the opening of one that is.
Result<RespDecoder::Step> RespDecoder::ReadOne(Reply& value) {
  if (text_bytes_) return FinishText(value);
  const std::size_t begin = std::max(position_, scanned_);
  const std::size_t found = buffer_.find('\n', begin);
  if (found == std::string::npos) {
    scanned_ = buffer_.size();
    const std::size_t line_max = std::min(kLineBytesMax, limits_.bytes_max);
    if (buffer_.size() - position_ > line_max) return TooLarge("the line limit", line_max);
    return Step::kNeedMore;
  }
  scanned_ = found;
  if (found < position_ + 2 || buffer_[found - 1] != '\r') return Malformed("a line without CRLF");
  const char type = buffer_[position_];
  const std::string_view line =
      std::string_view(buffer_).substr(position_ + 1, found - 1 - (position_ + 1));
  if (Status counted = CountBytes(found + 1 - position_); !counted) {
    return std::unexpected(counted.error());
  }
  if (++items_ > limits_.items_max) return TooLarge("the item limit", limits_.items_max);
  const Result<Step> step = ReadLine(type, line, value);
  position_ = found + 1;
  scanned_ = position_;
  return step;
}

Result<RespDecoder::Step> RespDecoder::ReadLine(char type, std::string_view line, Reply& value) {
  switch (type) {
    case '+':
      value = Reply::Simple(line);
      return Step::kValue;
    case '-':
      value = Reply::Error(std::string(line));
      return Step::kValue;
    case ':':
      if (const auto integer = ParseInteger(line)) {
        value = Reply::Integer(*integer);
        return Step::kValue;
      }
      return Malformed("a bad integer");
    case ',':
      if (const auto number = ParseDouble(line)) {
        value = Reply::Double(*number);
        return Step::kValue;
      }
      return Malformed("a bad double");
    case '#':
      if (line != "t" && line != "f") return Malformed("a bad boolean");
      value = Reply::Boolean(line == "t");
      return Step::kValue;
    case '_':
      if (!line.empty()) return Malformed("a bad null");
      return Step::kValue;
    case '(':
      if (!IsBigNumber(line)) return Malformed("a bad big number");
      value.type = Reply::Type::kBigNumber;
      value.text = line;
      return Step::kValue;
    case '$':
    case '=':
    case '!':
      return OpenText(type, line, value);
    case '*':
    case '~':
    case '%':
    case '>':
    case '|':
      return OpenAggregate(type, line, value);
    default:
      return Malformed("an unknown type byte");
  }
}

Result<RespDecoder::Step> RespDecoder::OpenText(char type, std::string_view line, Reply& value) {
  const auto length = ParseInteger(line);
  if (type == '$' && length == -1) {
    value = Reply::Null();
    return Step::kValue;
  }
  if (!length || *length < 0) return Malformed("a bad length");
  const auto bytes = static_cast<std::size_t>(*length);
  if (bytes > limits_.bytes_max) return TooLarge("the byte limit", limits_.bytes_max);
  if (Status counted = CountBytes(bytes + 2); !counted) return std::unexpected(counted.error());
  text_bytes_ = bytes;
  text_type_ = type;
  return Step::kOpened;
}

Result<RespDecoder::Step> RespDecoder::FinishText(Reply& value) {
  if (buffer_.size() - position_ < *text_bytes_ + 2) return Step::kNeedMore;
  std::string_view text = std::string_view(buffer_).substr(position_, *text_bytes_);
  if (std::string_view(buffer_).substr(position_ + *text_bytes_, 2) != "\r\n") {
    return Malformed("a text without CRLF");
  }
  if (text_type_ == '=') {
    if (text.size() < 4 || text[3] != ':') return Malformed("a verbatim string without a format");
    value = Reply::Verbatim(std::string(text.substr(4)));
  } else if (text_type_ == '!') {
    value = Reply::Error(std::string(text));
  } else {
    value = Reply::Bulk(std::string(text));
  }
  position_ += *text_bytes_ + 2;
  scanned_ = position_;
  text_bytes_.reset();
  return Step::kValue;
}

Result<RespDecoder::Step> RespDecoder::OpenAggregate(char type, std::string_view line,
                                                     Reply& value) {
  const auto count = ParseInteger(line);
  if (type == '*' && count == -1) {
    value = Reply::NullArray();
    return Step::kValue;
  }
  if (!count || *count < 0) return Malformed("a bad count");
  const bool in_pairs = type == '%' || type == '|';
  if (static_cast<std::uint64_t>(*count) > limits_.items_max) {
    return TooLarge("the item limit", limits_.items_max);
  }
  const std::size_t items = static_cast<std::size_t>(*count) * (in_pairs ? 2 : 1);
  if (items == 0 && type == '|') return Step::kOpened;
  if (items == 0) {
    value = EmptyAggregate(type);
    return Step::kValue;
  }
  if (open_.size() >= limits_.depth_max) return TooLarge("the depth limit", limits_.depth_max);
  open_.push_back({EmptyAggregate(type), items, type == '|'});
  return Step::kOpened;
}

// Puts a complete value where it belongs. True when `whole` is now a complete reply.
bool RespDecoder::Place(Reply value, Reply& whole) {
  while (!open_.empty()) {
    Frame& frame = open_.back();
    frame.reply.items.push_back(std::move(value));
    if (--frame.items_left > 0) return false;
    const bool drop = frame.is_attribute;
    value = std::move(frame.reply);
    open_.pop_back();
    if (drop) return false;
  }
  whole = std::move(value);
  return true;
}

Status RespDecoder::CountBytes(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > limits_.bytes_max) return TooLarge("the byte limit", limits_.bytes_max);
  return {};
}

// Keeps the cost of moving the rest to the front linear: only once half of the buffer is decoded.
void RespDecoder::DropConsumed() {
  if (position_ < buffer_.size() - position_) return;
  buffer_.erase(0, position_);
  scanned_ -= position_;
  position_ = 0;
  if (buffer_.empty() && buffer_.capacity() > kBufferKept) buffer_ = {};
}

}  // namespace seshat
