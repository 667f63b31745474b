// `seshat serve`: one node in this process until a signal ends it.
#pragma once

#include "seshat/node/node_config.h"

namespace seshat {

// Runs a node until SIGTERM or SIGINT, then stops it in order. Gives the exit status: 0 after an
// orderly stop, 1 when it could not start or go on, 2 for a bad configuration. A second signal ends
// the process at once. Pre: no thread has been started.
int RunServe(const ConfigSources& sources);

}  // namespace seshat
