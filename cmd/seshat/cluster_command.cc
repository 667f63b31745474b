#include "cluster_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <system_error>
#include <vector>

#include "child_processes.h"
#include "port_owner.h"
#include "seshat/admin/admin_client.h"

namespace seshat {
namespace {

constexpr int kPollMs = 100;
constexpr std::chrono::seconds kStopMax{30};
constexpr std::chrono::seconds kProgressInterval{5};

struct ClusterNode {
  std::uint64_t id = 0;
  std::uint16_t client_port = 0;
  std::uint16_t internal_port = 0;
  std::uint16_t admin_port = 0;
  std::filesystem::path data_dir;
  std::string log_file;
  pid_t pid = 0;
  bool is_running = false;
  bool is_ready = false;
};

void Say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void Complain(const std::string& line) {
  fmt::print(stderr, "seshat cluster: {}\n", line);
}

bool CheckOptions(const ClusterOptions& options) {
  if (options.nodes < 1 || options.nodes > 7) {
    Complain(fmt::format("--nodes {}: allowed: 1 to 7", options.nodes));
    return false;
  }
  const std::pair<const char*, std::uint64_t> ranges[] = {
      {"--client-port", options.client_port},
      {"--internal-port", options.internal_port},
      {"--admin-port", options.admin_port}};
  for (const auto& [flag, first] : ranges) {
    if (first < 1 || first + options.nodes - 1 > 65535) {
      Complain(fmt::format("{} {}: allowed: 1 to {}", flag, first, 65536 - options.nodes));
      return false;
    }
    for (const auto& [other_flag, other] : ranges) {
      if (flag == other_flag || first > other || other >= first + options.nodes) continue;
      Complain(
          fmt::format("{} {} and {} {} overlap: each node takes one port of each, counted up "
                      "from there",
                      flag, first, other_flag, other));
      return false;
    }
  }
  return true;
}

// A founded cluster keeps its number of nodes: a fresh one would be refused by the others.
bool CheckExistingNodes(const ClusterOptions& options) {
  std::uint64_t existing = 0;
  for (std::uint64_t id = 1; id <= 64; ++id) {
    std::error_code error;
    const auto identity =
        std::filesystem::path(options.data_dir) / fmt::format("node-{}", id) / "IDENTITY";
    if (std::filesystem::exists(identity, error)) existing = id;
  }
  if (existing == 0 || existing == options.nodes) return true;
  Complain(
      fmt::format("--nodes {}: {} holds a cluster of {} nodes; allowed: --nodes {}, or another "
                  "--data-dir; to change their number, start it with --nodes {}, then see `seshat "
                  "node --help` and `seshat serve --join`",
                  options.nodes, options.data_dir, existing, existing, existing));
  return false;
}

bool CheckPorts(const std::vector<ClusterNode>& nodes) {
  bool all_free = true;
  for (const ClusterNode& node : nodes) {
    const std::pair<const char*, std::uint16_t> ports[] = {{"--client-port", node.client_port},
                                                           {"--internal-port", node.internal_port},
                                                           {"--admin-port", node.admin_port}};
    for (const auto& [flag, port] : ports) {
      if (IsPortFree(port)) continue;
      all_free = false;
      const std::optional<PortOwner> owner = FindPortOwner(port);
      const std::string who = owner && owner->pid > 0
                                  ? fmt::format("by {} (pid {})", owner->command, owner->pid)
                                  : std::string("by a process that cannot be looked up");
      Complain(
          fmt::format("port {} of node {} is in use {}; {} moves it", port, node.id, who, flag));
    }
  }
  return all_free;
}

std::vector<ClusterNode> PlanNodes(const ClusterOptions& options) {
  std::vector<ClusterNode> nodes;
  std::error_code error;
  const std::filesystem::path root = std::filesystem::weakly_canonical(options.data_dir, error);
  for (std::uint64_t i = 0; i < options.nodes; ++i) {
    ClusterNode node;
    node.id = i + 1;
    node.client_port = static_cast<std::uint16_t>(options.client_port + i);
    node.internal_port = static_cast<std::uint16_t>(options.internal_port + i);
    node.admin_port = static_cast<std::uint16_t>(options.admin_port + i);
    node.data_dir = root / fmt::format("node-{}", node.id);
    node.log_file = (root / fmt::format("node-{}.log", node.id)).string();
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::vector<std::string> ServeArguments(const ClusterNode& node,
                                        const std::vector<ClusterNode>& nodes) {
  std::string members;
  for (const ClusterNode& member : nodes) {
    members += fmt::format("{}{}=127.0.0.1:{}", members.empty() ? "" : ",", member.id,
                           member.internal_port);
  }
  return {"serve",
          "--node-id",
          std::to_string(node.id),
          "--client-addr",
          fmt::format("127.0.0.1:{}", node.client_port),
          "--internal-addr",
          fmt::format("127.0.0.1:{}", node.internal_port),
          "--admin-addr",
          fmt::format("127.0.0.1:{}", node.admin_port),
          "--data-dir",
          node.data_dir.string(),
          "--bootstrap",
          "--initial-members",
          members};
}

// The nodes' life, from the first fork to the last wait.
// Threads: owned by the main thread, the only one.
class Supervisor {
 public:
  explicit Supervisor(std::vector<ClusterNode> nodes) : nodes_(std::move(nodes)) {}

  int Run();

 private:
  bool StartAll();
  void ReportDeaths();
  void AskWhetherReady();
  void StopAll();
  // True when a signal to end has come within `timeout_ms`.
  bool WasInterrupted(int timeout_ms);
  bool AnyRunning() const { return std::ranges::any_of(nodes_, &ClusterNode::is_running); }

  std::vector<ClusterNode> nodes_;
  int signal_descriptor_ = -1;
  bool has_said_ready_ = false;
  bool has_failed_ = false;
  std::chrono::steady_clock::time_point progress_said_at_ = std::chrono::steady_clock::now();
};

bool Supervisor::StartAll() {
  for (ClusterNode& node : nodes_) {
    const Result<pid_t> child = StartChild(ServeArguments(node, nodes_), node.log_file);
    if (!child) {
      Complain(fmt::format("node {}: {}", node.id, child.error().message()));
      return false;
    }
    node.pid = *child;
    node.is_running = true;
    Say(fmt::format(
        "node {}  RESP 127.0.0.1:{}  internal 127.0.0.1:{}  admin 127.0.0.1:{}  data {}  "
        "pid {}",
        node.id, node.client_port, node.internal_port, node.admin_port, node.data_dir.string(),
        node.pid));
  }
  Say(fmt::format("logs: {}", nodes_.front().data_dir.parent_path().string() + "/node-*.log"));
  return true;
}

void Supervisor::ReportDeaths() {
  for (ClusterNode& node : nodes_) {
    if (!node.is_running) continue;
    const std::optional<std::string> end = PollChild(node.pid);
    if (!end) continue;
    node.is_running = false;
    has_failed_ = true;
    Complain(fmt::format("node {} {}; the last line of {} says: {}", node.id, *end, node.log_file,
                         LastLogMessage(node.log_file)));
    if (AnyRunning()) {
      Complain("the other nodes go on; Ctrl-C stops them, `seshat cluster` starts all again");
    }
  }
}

void Supervisor::AskWhetherReady() {
  std::string waiting;
  for (ClusterNode& node : nodes_) {
    if (!node.is_running || node.is_ready) continue;
    const Result<AdminResponse> answer =
        AdminGet(fmt::format("127.0.0.1:{}", node.admin_port), "/ready", std::chrono::seconds(1));
    node.is_ready = answer && answer->status == 200;
    if (!node.is_ready) {
      waiting = fmt::format("node {} is not ready: {}", node.id,
                            answer ? answer->body : answer.error().message());
    }
  }
  if (std::ranges::all_of(nodes_, &ClusterNode::is_ready)) {
    has_said_ready_ = true;
    Say("ready");
    Say(fmt::format("try: redis-cli -p {} SET greeting hello", nodes_.front().client_port));
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (waiting.empty() || now - progress_said_at_ < kProgressInterval) return;
  progress_said_at_ = now;
  while (waiting.ends_with('\n')) waiting.pop_back();
  Say(waiting);
}

void Supervisor::StopAll() {
  for (const ClusterNode& node : nodes_) {
    if (node.is_running) ::kill(node.pid, SIGTERM);
  }
  const auto deadline = std::chrono::steady_clock::now() + kStopMax;
  bool is_killing = false;
  while (AnyRunning()) {
    for (ClusterNode& node : nodes_) {
      if (!node.is_running) continue;
      const std::optional<std::string> end = PollChild(node.pid);
      if (!end) continue;
      node.is_running = false;
      if (*end == "exited with status 0") continue;
      has_failed_ = true;
      Complain(fmt::format("node {} {}; the last line of {} says: {}", node.id, *end, node.log_file,
                           LastLogMessage(node.log_file)));
    }
    if (!AnyRunning()) break;
    const bool is_impatient = WasInterrupted(kPollMs);
    if (is_killing || (!is_impatient && std::chrono::steady_clock::now() < deadline)) continue;
    is_killing = true;
    for (const ClusterNode& node : nodes_) {
      if (node.is_running) ::kill(node.pid, SIGKILL);
    }
  }
}

bool Supervisor::WasInterrupted(int timeout_ms) {
  pollfd entry{signal_descriptor_, POLLIN, 0};
  if (::poll(&entry, 1, timeout_ms) <= 0) return false;
  signalfd_siginfo taken{};
  return ::read(signal_descriptor_, &taken, sizeof taken) == sizeof taken;
}

int Supervisor::Run() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal_descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
  if (!StartAll()) has_failed_ = true;
  while (!has_failed_ || AnyRunning()) {
    if (WasInterrupted(kPollMs)) {
      Say("stopping");
      break;
    }
    ReportDeaths();
    if (!has_said_ready_) AskWhetherReady();
  }
  StopAll();
  if (!has_failed_) Say("stopped");
  return has_failed_ ? 1 : 0;
}

}  // namespace

int RunCluster(const ClusterOptions& options) {
  if (!CheckOptions(options) || !CheckExistingNodes(options)) return 2;
  std::error_code error;
  std::filesystem::create_directories(options.data_dir, error);
  if (error) {
    Complain(fmt::format("--data-dir {} cannot be made: {}", options.data_dir, error.message()));
    return 1;
  }
  std::vector<ClusterNode> nodes = PlanNodes(options);
  if (!CheckPorts(nodes)) return 1;
  return Supervisor(std::move(nodes)).Run();
}

}  // namespace seshat
