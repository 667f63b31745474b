// `seshat snapshot create`: has a node take a snapshot, and waits until it is kept.
#pragma once

#include <string>

namespace seshat {

struct SnapshotCreateOptions {
  std::string address = "127.0.0.1:9090";  // the node's admin endpoint
  bool as_json = false;
};

// Gives the exit status: 0 when the snapshot is kept, 1 when it is not (the output says why), 2
// when nobody answers.
int RunSnapshotCreate(const SnapshotCreateOptions& options);

}  // namespace seshat
