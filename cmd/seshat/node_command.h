// `seshat node list|add|remove|replace`: the members of a cluster, from any of its nodes.
#pragma once

#include <cstdint>
#include <string>

namespace seshat {

struct NodeCommandOptions {
  std::uint64_t node = 0;                  // add, remove: whom; replace: who goes
  std::uint64_t by = 0;                    // replace: who comes
  std::string internal_address;            // add: where it will be; empty: it will tell itself
  bool waits = false;                      // add: until it votes
  std::string address = "127.0.0.1:9090";  // the admin endpoint that is asked
  bool as_json = false;
};

// Each gives the exit status: 0 when it is done, 1 when it is not (the output says why), 2 when
// nobody answers. What waits may be broken off at any time: the change goes on by itself.
int RunNodeList(const NodeCommandOptions& options);
int RunNodeAdd(const NodeCommandOptions& options);
int RunNodeRemove(const NodeCommandOptions& options);
int RunNodeReplace(const NodeCommandOptions& options);

}  // namespace seshat
