#include "snapshot_create_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <future>

#include "seshat/admin/admin_client.h"
#include "seshat/admin/snapshot_control.h"

namespace seshat {
namespace {

// Longer than a node takes to answer.
constexpr Duration kTimeout = std::chrono::minutes(6);

// As AdminPost; meanwhile shows on a terminal how long it takes.
Result<AdminResponse> PostShowingProgress(const std::string& address) {
  std::future<Result<AdminResponse>> answer = std::async(
      std::launch::async, [&address] { return AdminPost(address, "/snapshot", kTimeout); });
  const bool is_shown = ::isatty(STDERR_FILENO) == 1;
  int elapsed_s = 0;
  while (answer.wait_for(std::chrono::seconds(1)) == std::future_status::timeout) {
    if (!is_shown) continue;
    fmt::print(stderr, "\rtaking a snapshot: {} s", ++elapsed_s);
    std::fflush(stderr);
  }
  if (elapsed_s > 0) fmt::print(stderr, "\r\x1b[K");  // the line is the result's
  return answer.get();
}

std::string SizeText(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1 << 10) return fmt::format("{} bytes", bytes);
  if (bytes < 1 << 20) return fmt::format("{:.1f} KiB", value / (1 << 10));
  if (bytes < 1 << 30) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.1f} GiB", value / (1 << 30));
}

}  // namespace

int RunSnapshotCreate(const SnapshotCreateOptions& options) {
  const Result<AdminResponse> response = PostShowingProgress(options.address);
  if (!response) {
    fmt::print(stderr,
               "seshat snapshot create: {}\nIs a node running there? --admin gives another admin "
               "address.\n",
               response.error().message());
    return 2;
  }
  const Result<SnapshotAnswer> answer = ParseSnapshotAnswer(response->body);
  if (!answer) {
    fmt::print(stderr,
               "seshat snapshot create: {} answers, but not as a Seshat node of this version "
               "(HTTP {})\n",
               options.address, response->status);
    return 2;
  }
  const bool is_done = answer->outcome == SnapshotAnswer::Outcome::kDone;
  if (options.as_json) {
    fmt::print("{}", ToJson(*answer));
  } else if (is_done) {
    fmt::print("{}  {}  node {}, in {:.1f} s\n", answer->name, SizeText(answer->size_bytes),
               answer->node.value(), static_cast<double>(answer->took_ms) / 1000);
  }
  if (!is_done) fmt::print(stderr, "seshat snapshot create: {}\n", answer->problem);
  return is_done ? 0 : 1;
}

}  // namespace seshat
