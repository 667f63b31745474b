#include "status_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "admin_questions.h"
#include "seshat/admin/status_report.h"

namespace seshat {

int RunStatus(const std::string& address, bool as_json) {
  const Result<StatusReport> report = AskStatus(address);
  if (!report) {
    fmt::print(stderr, "{}", NobodyAnswered("status", "--addr", report.error()));
    return 2;
  }
  fmt::print("{}", as_json ? ToJson(*report) : ToTable(*report));
  return report->IsHealthy() ? 0 : 1;
}

}  // namespace seshat
