// What the commands ask of running nodes, and how an answer that is none is told.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "seshat/admin/admin_client.h"
#include "seshat/admin/status_report.h"
#include "seshat/base/error.h"

namespace seshat {

// What the node at `address` means by `response`.
// Errors: that of the response; kFailedPrecondition: it is not `parse`'s kind of answer.
template <typename Answer>
Result<Answer> Understand(const std::string& address, const Result<AdminResponse>& response,
                          Result<Answer> (*parse)(std::string_view json)) {
  if (!response) return std::unexpected(response.error());
  Result<Answer> answer = parse(response->body);
  if (answer) return answer;
  return MakeError(ErrorCode::kFailedPrecondition,
                   fmt::format("{} answers, but not as a Seshat node of this version (HTTP {})",
                               address, response->status));
}

// For a command that nobody answered: `flag` is what names the node.
std::string NobodyAnswered(std::string_view command, std::string_view flag, const Error& why);

// The status of the node at `address`. Errors: as AdminGet and Understand.
Result<StatusReport> AskStatus(const std::string& address);

}  // namespace seshat
