// What seshat-sim is told to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "simulation.h"

namespace seshat {

struct Arguments {
  SimOptions options;
  std::uint64_t first_seed = 0;
  std::uint64_t last_seed = 0;  // inclusive
  std::uint64_t jobs = 1;
  std::string bug;  // to run with: one of SeededBugs()
  bool lists_bugs = false;
  bool lists_faults = false;
  std::string script;  // of a script to play instead: its file, or `-` for standard input
};

// Says on stderr what is wrong and how it goes, and gives nothing, when something is wrong.
std::optional<Arguments> ParseArguments(int argc, char** argv);

}  // namespace seshat
