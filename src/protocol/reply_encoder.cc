#include "seshat/resp/reply_encoder.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

template <typename Integer>
void AppendHeader(char type, Integer value, std::string& out) {
  std::array<char, 24> text;
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  SESHAT_CHECK(code == std::errc());
  out.push_back(type);
  out.append(text.data(), end);
  out.append(kLineEnd);
}

// A line of text; line ends inside it would be taken for the end of the reply.
void AppendLine(char type, std::string_view text, std::string& out) {
  while (text.ends_with('\r') || text.ends_with('\n')) text.remove_suffix(1);
  out.push_back(type);
  const std::size_t begin = out.size();
  out.append(text);
  for (std::size_t i = begin; i < out.size(); ++i) {
    if (out[i] == '\r' || out[i] == '\n') out[i] = ' ';
  }
  out.append(kLineEnd);
}

void AppendVerbatim(std::string_view text, std::string& out) {
  constexpr std::string_view kFormat = "txt:";
  AppendHeader('=', text.size() + kFormat.size(), out);
  out.append(kFormat);
  out.append(text);
  out.append(kLineEnd);
}

// Redis 7.0 prints 17 significant digits: 3.1 is "3.1000000000000001".
std::string FormatDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 32> text;
  const int length = std::snprintf(text.data(), text.size(), "%.17g", value);
  SESHAT_CHECK(length > 0 && static_cast<std::size_t>(length) < text.size());
  return {text.data(), static_cast<std::size_t>(length)};
}

void AppendItems(const Reply& reply, RespVersion version, std::string& out) {
  for (const Reply& item : reply.items) EncodeReply(item, version, out);
}

void AppendResp2(const Reply& reply, std::string& out) {
  using Type = Reply::Type;
  switch (reply.type) {
    case Type::kVerbatim:
    case Type::kBigNumber:
      return EncodeBulk(reply.text, out);
    case Type::kDouble:
      return EncodeBulk(FormatDouble(reply.number), out);
    case Type::kBoolean:
      return AppendHeader(':', reply.integer != 0 ? 1 : 0, out);
    case Type::kNullArray:
      out.append("*-1\r\n");
      return;
    default:  // kSet, kMap, kPush
      EncodeArrayHeader(reply.items.size(), out);
      return AppendItems(reply, RespVersion::kResp2, out);
  }
}

void AppendResp3(const Reply& reply, std::string& out) {
  using Type = Reply::Type;
  switch (reply.type) {
    case Type::kVerbatim:
      return AppendVerbatim(reply.text, out);
    case Type::kBigNumber:
      return AppendLine('(', reply.text, out);
    case Type::kDouble:
      return AppendLine(',', FormatDouble(reply.number), out);
    case Type::kBoolean:
      out.append(reply.integer != 0 ? "#t\r\n" : "#f\r\n");
      return;
    case Type::kNullArray:
      return EncodeNull(RespVersion::kResp3, out);
    case Type::kSet:
      AppendHeader('~', reply.items.size(), out);
      break;
    case Type::kMap:
      SESHAT_CHECK(reply.items.size() % 2 == 0);
      AppendHeader('%', reply.items.size() / 2, out);
      break;
    default:  // kPush
      AppendHeader('>', reply.items.size(), out);
      break;
  }
  AppendItems(reply, RespVersion::kResp3, out);
}

}  // namespace

void EncodeReply(const Reply& reply, RespVersion version, std::string& out) {
  switch (reply.type) {
    case Reply::Type::kSimpleString:
      return EncodeSimpleString(reply.text, out);
    case Reply::Type::kError:
      return EncodeError(reply.text, out);
    case Reply::Type::kInteger:
      return EncodeInteger(reply.integer, out);
    case Reply::Type::kBulkString:
      return EncodeBulk(reply.text, out);
    case Reply::Type::kNull:
      return EncodeNull(version, out);
    case Reply::Type::kArray:
      EncodeArrayHeader(reply.items.size(), out);
      return AppendItems(reply, version, out);
    default:
      return version == RespVersion::kResp2 ? AppendResp2(reply, out) : AppendResp3(reply, out);
  }
}

void EncodeOk(std::string& out) {
  out.append("+OK\r\n");
}

void EncodeSimpleString(std::string_view text, std::string& out) {
  AppendLine('+', text, out);
}

void EncodeError(std::string_view text, std::string& out) {
  AppendLine('-', text, out);
}

void EncodeInteger(std::int64_t value, std::string& out) {
  AppendHeader(':', value, out);
}

void EncodeBulk(std::string_view text, std::string& out) {
  AppendHeader('$', text.size(), out);
  out.append(text);
  out.append(kLineEnd);
}

void EncodeNull(RespVersion version, std::string& out) {
  out.append(version == RespVersion::kResp2 ? "$-1\r\n" : "_\r\n");
}

void EncodeArrayHeader(std::size_t count, std::string& out) {
  AppendHeader('*', count, out);
}

}  // namespace seshat
