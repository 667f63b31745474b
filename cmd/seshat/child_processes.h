// The processes that a supervisor starts: each in a process group of its own, so that Ctrl-C in a
// terminal reaches only the supervisor, and ended by the kernel should the supervisor die.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "seshat/base/error.h"

namespace seshat {

// Starts this very executable with `arguments`; its output is appended to `log_file`.
// Errors: kIo.
Result<pid_t> StartChild(const std::vector<std::string>& arguments, const std::string& log_file);

// How a child ended, in words: "exited with status 1", "was killed by signal 9 (Killed)".
// Empty while it runs.
std::optional<std::string> PollChild(pid_t child);

// What the newest line of a log says: its "message" when it is JSON. Empty for an empty log.
std::string LastLogMessage(const std::string& log_file);

}  // namespace seshat
