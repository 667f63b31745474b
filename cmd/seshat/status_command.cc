#include "status_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "seshat/admin/admin_client.h"
#include "seshat/admin/status_report.h"

namespace seshat {

int RunStatus(const std::string& address, bool as_json) {
  const Result<AdminResponse> response = AdminGet(address, "/status", std::chrono::seconds(5));
  if (!response) {
    fmt::print(stderr,
               "seshat status: {}\nIs a node running there? --addr gives another admin "
               "address.\n",
               response.error().message());
    return 2;
  }
  const Result<StatusReport> report = ParseStatusReport(response->body);
  if (response->status != 200 || !report) {
    fmt::print(stderr, "seshat status: {} answers, but not as a Seshat node (HTTP {})\n", address,
               response->status);
    return 2;
  }
  fmt::print("{}", as_json ? response->body : ToTable(*report));
  return report->IsHealthy() ? 0 : 1;
}

}  // namespace seshat
