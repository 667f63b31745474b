#include "inline_arguments.h"

#include <cstddef>
#include <optional>

namespace seshat {
namespace {

// What may stand between arguments; inside one, a vertical tab or form feed is an ordinary byte.
bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool EndsArgument(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

char Unescape(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// Reads a "..." whose opening quote is before `at`; leaves `at` after the closing one.
bool ReadDoubleQuoted(std::string_view line, std::size_t& at, std::string& out) {
  while (at < line.size()) {
    const char c = line[at];
    if (c == '"') {
      ++at;
      return true;
    }
    if (c != '\\' || at + 1 == line.size()) {
      out.push_back(c);
      ++at;
      continue;
    }
    if (line[at + 1] == 'x' && at + 3 < line.size()) {
      const auto high = HexDigit(line[at + 2]);
      const auto low = HexDigit(line[at + 3]);
      if (high && low) {
        out.push_back(static_cast<char>(*high * 16 + *low));
        at += 4;
        continue;
      }
    }
    out.push_back(Unescape(line[at + 1]));
    at += 2;
  }
  return false;
}

// The same for '...'.
bool ReadSingleQuoted(std::string_view line, std::size_t& at, std::string& out) {
  while (at < line.size()) {
    const char c = line[at];
    if (c == '\'') {
      ++at;
      return true;
    }
    const bool escaped_quote = c == '\\' && at + 1 < line.size() && line[at + 1] == '\'';
    out.push_back(escaped_quote ? '\'' : c);
    at += escaped_quote ? 2 : 1;
  }
  return false;
}

}  // namespace

bool SplitInlineArguments(std::string_view line, std::vector<std::string_view>& arguments,
                          std::deque<std::string>& unquoted) {
  std::size_t at = 0;
  for (;;) {
    while (at < line.size() && IsSpace(line[at])) ++at;
    if (at == line.size()) return true;
    const std::size_t begin = at;
    while (at < line.size() && !EndsArgument(line[at]) && line[at] != '"' && line[at] != '\'') ++at;
    const std::string_view plain = line.substr(begin, at - begin);
    if (at == line.size() || EndsArgument(line[at])) {
      arguments.push_back(plain);
      continue;
    }
    // Quotes may open in the middle of an argument, but a closing quote ends it.
    std::string& text = unquoted.emplace_back(plain);
    const char quote = line[at++];
    const bool closed =
        quote == '"' ? ReadDoubleQuoted(line, at, text) : ReadSingleQuoted(line, at, text);
    if (!closed || (at < line.size() && !IsSpace(line[at]))) return false;
    arguments.push_back(text);
  }
}

}  // namespace seshat
