// The bugs that the simulator must find: a catalogue of what seeded_bug.h can switch on.
//
// A new bug is one line where it is, one here, and `scripts/find-seeded-bugs --write`.
#pragma once

#include <span>
#include <string_view>

namespace seshat {

struct SeededBug {
  std::string_view name;     // of HasBug
  std::string_view breaks;   // what goes wrong, as a sentence begins
  std::string_view options;  // of the runs that are to find it, where the usual ones do not
};

// Ascending by what they are about. Lifetime: the process's.
std::span<const SeededBug> SeededBugs();

// Null when there is none of that name.
const SeededBug* FindSeededBug(std::string_view name);

}  // namespace seshat
