// One HTTP request to a node's admin endpoint, for the commands of `seshat`.
#pragma once

#include <string>

#include "seshat/base/error.h"
#include "seshat/base/time.h"

namespace seshat {

// What a POST must carry: see AdminServer for why.
inline constexpr char kAdminRequestHeader[] = "X-Seshat";

struct AdminResponse {
  int status = 0;  // the HTTP status code
  std::string body;
};

// Asks `address` ("host:port") for `path` and waits at most `timeout` for the whole answer.
// Errors: kInvalidArgument: the address; kUnavailable: nobody answers there; kDeadlineExceeded;
//         kCorruption: the answer is not HTTP, or larger than 16 MiB.
// Threads: thread-safe; blocks.
Result<AdminResponse> AdminGet(const std::string& address, const std::string& path,
                               Duration timeout);
// The same for what changes something: a POST without a body, and with kAdminRequestHeader.
Result<AdminResponse> AdminPost(const std::string& address, const std::string& path,
                                Duration timeout);

}  // namespace seshat
