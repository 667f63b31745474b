#include "script_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>

namespace seshat {

std::optional<std::uint64_t> ParseScriptNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value > kScriptNumberMax) return std::nullopt;
  return value;
}

std::vector<std::uint64_t> ParseScriptNumbers(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  for (bool is_last = false; !is_last;) {
    const std::size_t comma = text.find(',');
    const auto number = ParseScriptNumber(text.substr(0, comma));
    if (!number) return {};
    numbers.push_back(*number);
    is_last = comma == std::string_view::npos;
    if (!is_last) text.remove_prefix(comma + 1);
  }
  return numbers;
}

std::vector<NodeId> ParseScriptNodes(std::string_view text) {
  const std::vector<std::uint64_t> ids = ParseScriptNumbers(text);
  const bool is_ascending = std::ranges::adjacent_find(ids, std::greater_equal{}) == ids.end();
  std::vector<NodeId> nodes;
  if (ids.empty() || ids.front() == 0 || !is_ascending) return nodes;
  for (const std::uint64_t id : ids) nodes.emplace_back(id);
  return nodes;
}

StepWords::StepWords(std::string_view line, std::uint64_t nodes) : nodes_(nodes) {
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty()) return;
    const std::string_view word = line.substr(0, line.find(' '));
    words_.push_back(word);
    line.remove_prefix(word.size());
  }
}

void StepWords::Fail(std::string message) {
  if (!error_) error_ = std::move(message);
}

Status StepWords::Finish() {
  if (!error_ && !IsEmpty()) Fail(fmt::format("'{}' is one word too many", words_[next_]));
  if (!error_) return {};
  return MakeError(ErrorCode::kInvalidArgument, *error_);
}

std::string_view StepWords::TakeWord(std::string_view what) {
  if (IsEmpty()) {
    Fail(fmt::format("{} is missing", what));
    return {};
  }
  return words_[next_++];
}

std::uint64_t StepWords::TakeNumber(std::string_view what, std::uint64_t low, std::uint64_t high) {
  const std::string_view word = TakeWord(what);
  const auto number = ParseScriptNumber(word);
  if (number && *number >= low && *number <= high) return *number;
  Fail(fmt::format("{} is '{}', must be a number from {} to {}", what, word, low, high));
  return low;
}

std::uint64_t StepWords::TakeNumberOr(std::uint64_t otherwise, std::string_view what,
                                      std::uint64_t high) {
  return IsEmpty() ? otherwise : TakeNumber(what, 1, high);
}

std::vector<std::uint64_t> StepWords::TakeNumbers(std::string_view what) {
  const std::string_view word = TakeWord(what);
  std::vector<std::uint64_t> numbers = ParseScriptNumbers(word);
  if (numbers.empty()) {
    Fail(fmt::format("{} is '{}', must be numbers separated by commas", what, word));
  }
  return numbers;
}

NodeId StepWords::TakeNode() {
  return NodeId(TakeNumber("the node", 1, nodes_));
}

std::vector<NodeId> StepWords::TakeNodes() {
  std::vector<NodeId> nodes;
  const std::string_view word = TakeWord("the list of nodes");
  if (word == "all") {
    for (std::uint64_t id = 1; id <= nodes_; ++id) nodes.emplace_back(id);
    return nodes;
  }
  nodes = ParseScriptNodes(word);
  if (nodes.empty() || nodes.back() > NodeId(nodes_)) {
    Fail(
        fmt::format("the list of nodes is '{}', must be all or ascending numbers from 1 to {}, "
                    "separated by commas",
                    word, nodes_));
    nodes.clear();
  }
  return nodes;
}

std::vector<StepWords::Field> StepWords::TakeFields(std::span<const std::string_view> allowed) {
  std::vector<Field> fields;
  for (; !IsEmpty(); ++next_) {
    const std::string_view word = words_[next_];
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos && !fields.empty()) {
      std::string& value = fields.back().second;
      if (!value.empty()) value += ' ';
      value += word;
      continue;
    }
    const std::string_view name = word.substr(0, equals);
    if (equals == std::string_view::npos || std::ranges::find(allowed, name) == allowed.end()) {
      Fail(fmt::format("'{}' is not one of the fields {}", name, fmt::join(allowed, ", ")));
    } else if (std::ranges::find(fields, name, &Field::first) != fields.end()) {
      Fail(fmt::format("the field {} comes twice", name));
    }
    fields.emplace_back(name, equals == std::string_view::npos ? "" : word.substr(equals + 1));
  }
  return fields;
}

}  // namespace seshat
