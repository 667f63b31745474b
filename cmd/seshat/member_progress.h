// How far a node has come that joins or leaves, as its cluster tells.
#pragma once

#include <optional>
#include <string>

#include "seshat/admin/status_report.h"
#include "seshat/base/ids.h"

namespace seshat {

// Whether every group that `status` shows counts `node` as a voter, and the cluster knows it.
bool IsVoter(const StatusReport& status, NodeId node);

// Null when `node` is no member. Lifetime: that of `status`.
const MemberReport* FindMember(const StatusReport& status, NodeId node);

// What is still to do for `node` to join or leave, in words, and how much of it is done.
struct MemberProgress {
  std::string text;
  std::optional<double> done;  // 0 to 1, where it can be told
};

// Asks the leaders, and `node` itself, for what `status` does not tell, where they can be reached.
MemberProgress ProgressOf(const StatusReport& status, NodeId node);

// Shows the progress of one change on standard error: a line with a bar on a terminal, else a line
// whenever the words change.
// Threads: owned by its caller.
class ProgressLine {
 public:
  ProgressLine();
  // Clears the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const MemberProgress& progress);

 private:
  const bool is_terminal_;
  std::string last_text_;
};

// "12 bytes", "1.5 MiB".
std::string SizeText(std::uint64_t bytes);

}  // namespace seshat
