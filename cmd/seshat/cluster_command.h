// `seshat cluster`: several nodes on this machine, each a process, for trying Seshat out.
#pragma once

#include <cstdint>
#include <string>

namespace seshat {

struct ClusterOptions {
  std::uint64_t nodes = 3;                    // 1 to 7
  std::string data_dir = "./seshat-cluster";  // holds node-1, node-2, ...
  std::uint64_t client_port = 6379;           // of node 1; node N has N - 1 more
  std::uint64_t internal_port = 7379;
  std::uint64_t admin_port = 9090;
};

// Starts the nodes, says when they serve, and waits in the foreground. SIGINT or SIGTERM stops all
// of them in order. A node that dies is reported; the others go on. Gives the exit status: 0 when
// every node stopped in order, 1 when one did not or could not start, 2 for bad options.
int RunCluster(const ClusterOptions& options);

}  // namespace seshat
