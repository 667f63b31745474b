#include "snapshot_create_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <future>

#include "admin_questions.h"
#include "member_progress.h"
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

}  // namespace

int RunSnapshotCreate(const SnapshotCreateOptions& options) {
  const Result<AdminResponse> response = PostShowingProgress(options.address);
  const Result<SnapshotAnswer> answer = Understand(options.address, response, &ParseSnapshotAnswer);
  if (!answer) {
    fmt::print(stderr, "{}", NobodyAnswered("snapshot create", "--admin", answer.error()));
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
