// Outcomes of what operators ask for, as the words that stand in JSON.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "seshat/base/error.h"

namespace seshat {

template <typename Outcome, std::size_t kCount>
using OutcomeNames = std::array<std::pair<Outcome, std::string_view>, kCount>;

// Pre: it is one of them.
template <typename Outcome, std::size_t kCount>
std::string_view NameOf(const OutcomeNames<Outcome, kCount>& names, Outcome outcome) {
  for (const auto& [each, name] : names) {
    if (each == outcome) return name;
  }
  return "";
}

// Errors: kInvalidArgument; `answer` says to what: "a transfer".
template <typename Outcome, std::size_t kCount>
Result<Outcome> ParseOutcome(const OutcomeNames<Outcome, kCount>& names, std::string_view text,
                             std::string_view answer) {
  for (const auto& [outcome, name] : names) {
    if (name == text) return outcome;
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   fmt::format("not an answer to {}: outcome \"{}\"", answer, text));
}

}  // namespace seshat
