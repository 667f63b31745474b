// `seshat snapshot restore`: a new cluster's data directory from a snapshot.
#pragma once

#include <cstdint>
#include <string>

namespace seshat {

struct RestoreCommandOptions {
  std::string snapshot;  // its folder
  std::string data_dir;
  std::uint64_t node_id = 1;
  std::string initial_members;  // "ID=H:P,..."; empty: this node alone
  std::string cluster_name;
};

// Gives the exit status: 0 exactly when the directory is ready; 1 when the snapshot is damaged
// (stderr names the file) or the disk is full; 2 for bad usage, a directory that holds something or
// is in use, and what is no snapshot of all groups.
int RunRestore(const RestoreCommandOptions& options);

}  // namespace seshat
