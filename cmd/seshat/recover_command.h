// `seshat recover`: a surviving node goes on alone when the majority of its cluster is lost.
#pragma once

#include <string>

namespace seshat {

struct RecoverCommandOptions {
  std::string data_dir;
  bool accepts_data_loss = false;
};

// Without `accepts_data_loss` it only shows what it would do. Gives the exit status: 0 exactly when
// the directory is ready; 1 when it is damaged or in quarantine (stderr names what) or the disk is
// full; 2 when the loss was not accepted, for bad usage, and for a directory that is in use or
// that cannot be recovered from.
int RunRecover(const RecoverCommandOptions& options);

}  // namespace seshat
