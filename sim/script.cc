#include "script.h"

#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <ostream>

#include "script_steps.h"
#include "script_text.h"
#include "script_words.h"

namespace seshat {
namespace {

constexpr std::string_view kRule = "----";

const StepKind* FindStep(std::string_view name) {
  const auto kinds = StepKinds();
  const auto kind = std::ranges::find(kinds, name, &StepKind::name);
  return kind == kinds.end() ? nullptr : &*kind;
}

std::string StepNames() {
  std::string names;
  for (const StepKind& kind : StepKinds()) {
    if (!names.empty()) names += ", ";
    names += kind.name;
  }
  return names;
}

}  // namespace

Result<std::string> Script::Feed(std::string_view line) {
  ++line_number_;
  if (part_ == Part::kOldOutput && !line.starts_with('#')) {
    if (line.empty()) part_ = Part::kSteps;
    return "";
  }
  if (line == kRule && part_ == Part::kAfterStep) {
    part_ = Part::kOldOutput;
    return "";
  }
  if (line.empty()) {
    // The one below a step's output has been printed with it.
    const bool is_kept = part_ == Part::kSteps;
    part_ = Part::kSteps;
    return is_kept ? "\n" : "";
  }
  if (line.starts_with('#')) {
    part_ = Part::kSteps;
    return std::string(line) + '\n';
  }
  auto output = RunStep(line);
  if (!output) {
    return std::unexpected(
        Error(output.error()).WithContext(fmt::format("line {}: {}", line_number_, line)));
  }
  part_ = Part::kAfterStep;
  return output;
}

Result<std::string> Script::RunStep(std::string_view line) {
  StepWords words(line, world_ ? world_->nodes().size() : 0);
  const std::string_view name = words.TakeWord("the step");
  const StepKind* kind = FindStep(name);
  if (kind == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("there is no step '{}'; there are {}", name, StepNames()));
  }
  if (!world_ && kind != &StepKinds().front()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("no nodes yet; the first step is: {}", StepKinds().front().usage));
  }
  auto notes = kind->run(world_, words);
  if (!notes) {
    return MakeError(notes.error().code(),
                     fmt::format("{}; usage: {}", notes.error().message(), kind->usage));
  }
  std::string text = fmt::format("{}\n{}\n", line, kRule);
  for (const auto& [id, node] : world_->nodes()) text += FormatNode(node) + '\n';
  text += *notes + '\n';
  if (!world_->violation()) return text;
  return MakeError(ErrorCode::kCorruption, fmt::format("{}\n{}", *world_->violation(), text));
}

Status PlayScript(std::istream& in, std::ostream& out) {
  Script script;
  for (std::string line; std::getline(in, line);) {
    const auto output = script.Feed(line);
    if (!output) return std::unexpected(output.error());
    out << *output << std::flush;
  }
  return {};
}

}  // namespace seshat
