#include "arguments.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "seeded_bugs.h"

namespace seshat {
namespace {

constexpr std::string_view kUsage =
    "usage: seshat-sim --seed N | --seeds A..B [--nodes N] [--seconds N] "
    "[--mode safety|liveness] [--jobs N] [--trace] [--bug NAME] "
    "[--without FAULT]... [--only FAULT[,FAULT]...]\n"
    "       seshat-sim --list-bugs | --list-faults\n"
    "       seshat-sim --script FILE|-\n";

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool ParseSeeds(std::string_view text, Arguments& arguments) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return false;
  const auto first = ParseNumber(text.substr(0, dots));
  const auto last = ParseNumber(text.substr(dots + 2));
  if (!first || !last || *last < *first) return false;
  arguments.first_seed = *first;
  arguments.last_seed = *last;
  return true;
}

// All faults but these, which are separated by commas, do not happen.
bool ParseOnly(std::string_view names, Arguments& arguments) {
  std::vector<Fault> only;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    const std::optional<Fault> fault = ParseFault(names.substr(0, end));
    if (!fault) return false;
    only.push_back(*fault);
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  for (const Fault fault : Faults()) {
    const bool is_chosen = std::ranges::find(only, fault) != only.end();
    if (!is_chosen) arguments.options.without.push_back(fault);
  }
  return !only.empty();
}

bool ParseOption(std::string_view name, std::string_view value, Arguments& arguments) {
  if (name == "--seeds") return ParseSeeds(value, arguments);
  if (name == "--script") {
    arguments.script = value;
    return !value.empty();
  }
  if (name == "--bug") {
    arguments.bug = value;
    return FindSeededBug(value) != nullptr;
  }
  if (name == "--without") {
    const std::optional<Fault> fault = ParseFault(value);
    if (fault) arguments.options.without.push_back(*fault);
    return fault.has_value();
  }
  if (name == "--only") return ParseOnly(value, arguments);
  if (name == "--mode") {
    arguments.options.mode = value == "liveness" ? SimMode::kLiveness : SimMode::kSafety;
    return value == "liveness" || value == "safety";
  }
  const auto number = ParseNumber(value);
  if (!number) return false;
  if (name == "--seed") {
    arguments.first_seed = arguments.last_seed = *number;
  } else if (name == "--nodes") {
    arguments.options.nodes = *number;
    return *number >= 1 && *number <= 9;
  } else if (name == "--seconds") {
    arguments.options.faults_for = std::chrono::seconds(*number);
    return *number >= 1 && *number <= 3600;
  } else if (name == "--jobs") {
    arguments.jobs = *number;
    return *number >= 1 && *number <= 256;
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.options.prints_trace = true;
      continue;
    }
    if (name == "--list-bugs" || name == "--list-faults") {
      (name == "--list-bugs" ? arguments.lists_bugs : arguments.lists_faults) = true;
      continue;
    }
    if (i + 1 >= argc || !ParseOption(name, argv[i + 1], arguments)) {
      fmt::print(stderr, "wrong argument: {}\n{}", name, kUsage);
      return std::nullopt;
    }
    ++i;
  }
  return arguments;
}

}  // namespace seshat
