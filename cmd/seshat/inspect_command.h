// `seshat inspect`: what a stopped node's data directory holds, and whether it is whole.
#pragma once

#include <string>

namespace seshat {

struct InspectCommandOptions {
  std::string data_dir;
  std::string group;    // the one to show: a name or a number; empty: all
  std::string entries;  // "FROM:TO", both inclusive, each may be left out; empty: none
  bool with_values = false;
  bool as_json = false;
};

// Changes nothing. Gives the exit status: 0 when all is sound, 1 when something is damaged (the
// output names it), 2 for bad usage, no data directory, or one that a running node holds.
int RunInspect(const InspectCommandOptions& options);

}  // namespace seshat
