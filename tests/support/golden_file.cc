#include "support/golden_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace seshat {
namespace {

struct Case {
  std::size_t line = 0;  // of the input's first line, 1 and up
  std::string comment;   // lines above it, each with its '\n'
  std::string input;
  std::string output;
};

// googletest leaves flags that it does not know alone, and its main drops them.
bool RewriteWanted() {
  if (std::getenv("SESHAT_REWRITE") != nullptr) return true;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string line{std::istreambuf_iterator<char>(file), {}};
  using namespace std::string_literals;
  return line.find("\0--rewrite\0"s) != std::string::npos;
}

void AppendLine(std::string& text, const std::string& line) {
  if (!text.empty()) text += '\n';
  text += line;
}

std::vector<Case> Read(std::istream& file) {
  std::vector<Case> cases;
  Case current;
  bool in_output = false;
  std::string line;
  const auto finish = [&] {
    if (current.line != 0) cases.push_back(std::exchange(current, {}));
    in_output = false;
  };
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) {
      // A comment followed by a blank line belongs to the file, and so to the case that follows.
      if (current.line == 0 && !current.comment.empty()) current.comment += '\n';
      finish();
    } else if (line == "----" && !in_output) {
      in_output = true;
    } else if (in_output) {
      AppendLine(current.output, line);
    } else if (line[0] == '#' && current.line == 0) {
      current.comment += line + '\n';
    } else {
      if (current.line == 0) current.line = number;
      AppendLine(current.input, line);
    }
  }
  finish();
  return cases;
}

void Write(const std::string& path, const std::vector<Case>& cases) {
  std::ofstream file(path, std::ios::trunc);
  const char* separator = "";
  for (const Case& one : cases) {
    file << separator << one.comment << one.input << "\n----\n" << one.output << "\n";
    separator = "\n";
  }
  ASSERT_TRUE(file.flush()) << "cannot write " << path;
}

int HexValue(char c) {
  const std::string digits = "0123456789abcdef";
  const std::size_t at = digits.find(static_cast<char>(std::tolower(static_cast<int>(c))));
  return at == std::string::npos ? 0 : static_cast<int>(at);
}

}  // namespace

void RunGoldenFile(const std::string& path,
                   const std::function<std::string(const std::string& input)>& run) {
  std::ifstream file(path);
  ASSERT_TRUE(file) << "cannot read " << path;
  std::vector<Case> cases = Read(file);
  ASSERT_FALSE(cases.empty()) << path << " holds no case";
  const bool rewrite = RewriteWanted();
  for (Case& one : cases) {
    const std::string got = run(one.input);
    if (rewrite) {
      one.output = got;
    } else if (got != one.output) {
      ADD_FAILURE_AT(path.c_str(), static_cast<int>(one.line))
          << one.comment << one.input << "\n-- expected:\n"
          << one.output << "\n-- got:\n"
          << got;
    }
  }
  if (rewrite) Write(path, cases);
}

void ExpectGoldenText(const std::string& path, const std::string& expected,
                      const std::string& got) {
  if (got == expected) return;
  if (RewriteWanted()) {
    std::ofstream file(path, std::ios::trunc);
    file << got;
    ASSERT_TRUE(file.flush()) << "cannot write " << path;
    return;
  }
  const auto [at, other] = std::ranges::mismatch(expected, got);
  const auto line = 1 + std::count(expected.begin(), at, '\n');
  const auto line_around = [](const std::string& text, std::string::const_iterator in) {
    while (in != text.begin() && *std::prev(in) != '\n') --in;
    return std::string(in, std::find(in, text.end(), '\n'));
  };
  ADD_FAILURE_AT(path.c_str(), static_cast<int>(line)) << "-- expected:\n"
                                                       << line_around(expected, at) << "\n-- got:\n"
                                                       << line_around(got, other);
}

std::string UnescapeGolden(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t close = text.find('}', i);
    if (text[i] == '{' && i + 2 < text.size() && text[i + 2] == '*' && close != std::string::npos) {
      bytes.append(std::stoul(text.substr(i + 3, close - i - 3)), text[i + 1]);
      i = close;
    } else if (text[i] != '\\' || i + 1 == text.size()) {
      bytes += text[i];
    } else if (text[++i] == 'x' && i + 2 < text.size()) {
      bytes += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      bytes += text[i] == 'r' ? '\r' : text[i] == 'n' ? '\n' : text[i] == 't' ? '\t' : text[i];
    }
  }
  return bytes;
}

std::string EscapeGolden(const std::string& bytes) {
  constexpr std::size_t kRunMin = 33;
  constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    std::size_t run = 1;
    while (i + run < bytes.size() && bytes[i + run] == c) ++run;
    if (run >= kRunMin && c > ' ' && c <= '~' && c != '\\') {
      text += std::string("{") + c + '*' + std::to_string(run) + '}';
      i += run - 1;
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\\' || c == '"') {
      text += std::string("\\") + c;
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
    }
  }
  return text;
}

}  // namespace seshat
