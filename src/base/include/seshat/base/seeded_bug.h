// Seeded bugs: small wrong changes in the real code, of which the simulator can switch one on.
//
// A simulator that finds nothing proves little unless it would have found something. So the line
// that a bug would be at says so: `if (HasBug("fsync-skipped")) ...`. Only libraries that are built
// with SESHAT_SEEDED_BUGS (cmake/SeshatLayer.cmake) hold them, and only the simulator links those.
// Everywhere else HasBug is false while compiling: no branch and no name is left. The list of all
// bugs is sim/seeded_bugs.cc; docs/testing.md says which check finds which.
#pragma once

#include <string_view>

namespace seshat {

#ifdef SESHAT_SEEDED_BUGS

// Whether this process has the bug of that name. Threads: thread-safe once one is chosen.
bool HasBug(std::string_view name);

// From now on this process has the bug `name`, and no other; none if it is empty.
// Pre: no other thread runs yet. Lifetime: the name's bytes live as long as the process.
void ChooseBug(std::string_view name);

// The name of the bug that this process has; empty if none.
std::string_view ChosenBug();

#else

consteval bool HasBug(std::string_view) {
  return false;
}

#endif

}  // namespace seshat
