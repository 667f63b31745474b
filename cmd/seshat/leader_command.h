// `seshat leader transfer`: has the leadership of a group handed over, from any node.
#pragma once

#include <cstdint>
#include <string>

namespace seshat {

struct LeaderTransferOptions {
  std::string group;                       // a name or a number
  std::uint64_t to = 0;                    // 0: to whom it suits best
  std::string address = "127.0.0.1:9090";  // the admin endpoint that is asked first
  bool as_json = false;
};

// Asks the node at `address`, then the leader that it names. Gives the exit status: 0 when the
// wanted node leads now, 1 when it does not (the output says why), 2 for bad usage or when nobody
// answers.
int RunLeaderTransfer(const LeaderTransferOptions& options);

}  // namespace seshat
