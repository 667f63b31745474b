// The steps of a script: their names, how they are written, and what each does to the world.
// A new step is one function and one line of the table in script_steps.cc, and one of the table in
// docs/testing.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "script_words.h"
#include "script_world.h"
#include "seshat/base/error.h"

namespace seshat {

struct StepKind {
  std::string_view name;
  std::string_view usage;
  // What the step has to say beyond the states after it: whole lines, often none.
  // Errors: kInvalidArgument, and nothing was done: the words make no sense, or not now.
  // Pre: `world` is there, unless the step is the one that makes it.
  Result<std::string> (*run)(std::unique_ptr<ScriptWorld>& world, StepWords& words);
};

// `nodes`, which makes the world, comes first.
std::span<const StepKind> StepKinds();

}  // namespace seshat
