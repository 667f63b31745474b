// StepWords: reads the words of one step of a script, strictly.
//
// The first thing that is wrong is kept and everything after it reads as a default, so a step reads
// all its words and then asks Finish() once, before it does anything.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"

namespace seshat {

// No count, term, index or time in a script is larger.
inline constexpr std::uint64_t kScriptNumberMax = 1'000'000'000;

// Decimal digits only, at most kScriptNumberMax.
std::optional<std::uint64_t> ParseScriptNumber(std::string_view text);
// "3,1,2". Empty when one of them is not a number.
std::vector<std::uint64_t> ParseScriptNumbers(std::string_view text);

// "1,2,3", ascending. Empty when it is not that.
std::vector<NodeId> ParseScriptNodes(std::string_view text);

// Threads: owned by its user. Lifetime: the line outlives it.
class StepWords {
 public:
  // `name=value`; a word without `=` after it belongs to its value, separated by one blank.
  using Field = std::pair<std::string_view, std::string>;

  // `nodes`: how many there are.
  StepWords(std::string_view line, std::uint64_t nodes);

  bool IsEmpty() const { return next_ == words_.size(); }
  // `what` names the word in errors.
  std::string_view TakeWord(std::string_view what);
  std::uint64_t TakeNumber(std::string_view what, std::uint64_t low, std::uint64_t high);
  // `otherwise` when no word is left.
  std::uint64_t TakeNumberOr(std::uint64_t otherwise, std::string_view what, std::uint64_t high);
  std::vector<std::uint64_t> TakeNumbers(std::string_view what);
  NodeId TakeNode();
  // `all`, or numbers of nodes separated by commas. Ascending.
  std::vector<NodeId> TakeNodes();
  // All words that are left. Each field is one of `allowed` and comes once.
  std::vector<Field> TakeFields(std::span<const std::string_view> allowed);

  // Notes that something is wrong. Only the first counts.
  void Fail(std::string message);
  // Errors: kInvalidArgument: what was wrong, and what is allowed; words that are left are wrong.
  Status Finish();

 private:
  std::vector<std::string_view> words_;
  std::size_t next_ = 0;
  std::uint64_t nodes_;
  std::optional<std::string> error_;
};

}  // namespace seshat
