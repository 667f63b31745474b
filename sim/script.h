// Script: a scenario as text, played on bare cores.
//
//   # What happens, as a story.
//   campaign 1
//   ----
//   n1 pre-candidate term=0 vote=0 leader=0 commit=0 log=
//   ...
//
// One step a line. What comes out is the script itself with the state of all nodes under each step,
// whatever stood there before: so the output of a script is a script, with itself as the output,
// and a golden file. docs/testing.md has the steps and fixes the format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "script_world.h"
#include "seshat/base/error.h"

namespace seshat {

// Threads: owned by its user.
class Script {
 public:
  // Takes the next line, without its end, and returns what there is to print now.
  // Errors: kInvalidArgument: no such step, or wrong words: which line, what, and what is allowed;
  //         nothing was done. kCorruption: after this step a safety property did not hold. Both end
  //         the script.
  Result<std::string> Feed(std::string_view line);

 private:
  enum class Part : std::uint8_t { kSteps, kAfterStep, kOldOutput };
  Result<std::string> RunStep(std::string_view line);

  std::unique_ptr<ScriptWorld> world_;
  Part part_ = Part::kSteps;
  std::size_t line_number_ = 0;
};

// Plays all of `in`, printing to `out` step by step. Errors: those of Script::Feed; what was played
// before has been printed.
Status PlayScript(std::istream& in, std::ostream& out);

}  // namespace seshat
