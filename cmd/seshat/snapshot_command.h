// `seshat snapshot`: the snapshots that a stopped node keeps.
#pragma once

#include <string>

namespace seshat {

struct SnapshotCommandOptions {
  std::string data_dir;
  std::string name;  // verify: this one alone; empty: all
  bool as_json = false;
};

// Both change nothing and give the exit status of RunInspect.
int RunSnapshotList(const SnapshotCommandOptions& options);
// Reads all of each and compares it with its metadata.
int RunSnapshotVerify(const SnapshotCommandOptions& options);

}  // namespace seshat
