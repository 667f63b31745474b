#include "random_commands.h"

#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace seshat {
namespace {

template <typename T, std::size_t N>
T OneOf(Random& random, const std::array<T, N>& choices) {
  return choices[random.Below(N)];
}

}  // namespace

std::vector<std::string> RandomCommands::NextWrite() {
  switch (random_.Below(14)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return Set();
    case 4:
      return {"MSET", Key(), Data(), Key(), Data()};
    case 5:
      return {"DEL", Key(), Key()};
    case 6:
      return {OneOf<std::string>(random_, std::array<std::string, 2>{"INCR", "DECR"}), Key()};
    case 7:
      return {OneOf<std::string>(random_, std::array<std::string, 2>{"INCRBY", "DECRBY"}), Key(),
              Number()};
    case 8:
      return {"APPEND", Key(), Data()};
    case 9:
    case 10:
    case 11: {
      const bool in_seconds = random_.Chance(1, 2);
      std::vector<std::string> command = {in_seconds ? "EXPIRE" : "PEXPIRE", Key(),
                                          Span(in_seconds ? 1000 : 1)};
      while (random_.Chance(1, 3)) {
        command.push_back(
            OneOf<std::string>(random_, std::array<std::string, 5>{"NX", "XX", "GT", "LT", "ZZ"}));
      }
      return command;
    }
    case 12:
      return {"PERSIST", Key()};
    default:
      if (random_.Chance(1, 20)) return {"FLUSHALL"};
      return {"SET", Key()};
  }
}

std::vector<std::string> RandomCommands::NextRead() {
  const auto name = OneOf<std::string>(
      random_,
      std::array<std::string, 7>{"GET", "MGET", "EXISTS", "STRLEN", "TYPE", "TTL", "PTTL"});
  if (name == "MGET" || name == "EXISTS") return {name, Key(), Key(), Key()};
  return {name, Key()};
}

std::vector<std::string> RandomCommands::Set() {
  std::vector<std::string> command = {"SET", Key(), Data()};
  while (random_.Chance(1, 2)) {
    switch (random_.Below(8)) {
      case 0:
        command.emplace_back("NX");
        break;
      case 1:
        command.emplace_back("XX");
        break;
      case 2:
        command.emplace_back("GET");
        break;
      case 3:
        command.emplace_back("KEEPTTL");
        break;
      case 4:
        command.insert(command.end(), {"PXAT", "1"});
        break;
      case 5:
        command.insert(command.end(), {"EX", Span(1000)});
        break;
      case 6:
        command.insert(command.end(), {"PX", Span(1)});
        break;
      default:
        command.emplace_back(random_.Chance(1, 4) ? "EX" : "get");
        break;
    }
  }
  return command;
}

std::string RandomCommands::Key() {
  return "key:" + std::to_string(random_.Below(8));
}

std::string RandomCommands::Data() {
  switch (random_.Below(4)) {
    case 0:
      return "";
    case 1:
      return std::string("\0\r\n\xff", 4);
    default:
      return Number();
  }
}

std::string RandomCommands::Number() {
  switch (random_.Below(8)) {
    case 0:
      return "9223372036854775807";
    case 1:
      return "-9223372036854775808";
    case 2:
      return "01";
    case 3:
      return "9223372036854775808";
    default:
      return std::to_string(static_cast<std::int64_t>(random_.Below(200)) - 100);
  }
}

std::string RandomCommands::Span(std::int64_t unit_ms) {
  if (expiries_ == RandomExpiries::kSoon) {
    if (random_.Chance(1, 8)) return Number();
    return std::to_string(static_cast<std::int64_t>(random_.Below(50)) - 5);
  }
  if (random_.Chance(1, 4)) {
    return OneOf<std::string>(
        random_,
        std::array<std::string, 5>{"-1", "0", "x", "-9223372036854775808", "9223372036854775807"});
  }
  // So far apart that a slow machine does not change which of two is later.
  constexpr std::uint64_t kFarMillis = 100'000'000;
  constexpr std::uint64_t kRangeMillis = 1'000'000'000'000;
  const auto millis = static_cast<std::int64_t>(kFarMillis + random_.Below(kRangeMillis));
  return std::to_string(millis / unit_ms);
}

}  // namespace seshat
