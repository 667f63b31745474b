// seshat-sim: runs simulations by seed.
//
//   seshat-sim --seed N | --seeds A..B  [--nodes 3] [--seconds 20] [--mode safety|liveness]
//              [--jobs 1] [--trace]
// Exit status 0 when every run held, 1 when one failed, 2 for wrong arguments. `--seeds` runs each
// job in a process of its own, so that a crash of one seed is reported like any other failure.
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "simulation.h"

namespace seshat {
namespace {

struct Arguments {
  SimOptions options;
  std::uint64_t first_seed = 0;
  std::uint64_t last_seed = 0;  // inclusive
  std::uint64_t jobs = 1;
};

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool ParseSeeds(std::string_view text, Arguments& arguments) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return false;
  const auto first = ParseNumber(text.substr(0, dots));
  const auto last = ParseNumber(text.substr(dots + 2));
  if (!first || !last || *last < *first) return false;
  arguments.first_seed = *first;
  arguments.last_seed = *last;
  return true;
}

bool ParseOption(std::string_view name, std::string_view value, Arguments& arguments) {
  if (name == "--seeds") return ParseSeeds(value, arguments);
  if (name == "--mode") {
    arguments.options.mode = value == "liveness" ? SimMode::kLiveness : SimMode::kSafety;
    return value == "liveness" || value == "safety";
  }
  const auto number = ParseNumber(value);
  if (!number) return false;
  if (name == "--seed") {
    arguments.first_seed = arguments.last_seed = *number;
  } else if (name == "--nodes") {
    arguments.options.nodes = *number;
    return *number >= 1 && *number <= 9;
  } else if (name == "--seconds") {
    arguments.options.faults_for = std::chrono::seconds(*number);
    return *number >= 1 && *number <= 3600;
  } else if (name == "--jobs") {
    arguments.jobs = *number;
    return *number >= 1 && *number <= 256;
  } else {
    return false;
  }
  return true;
}

std::optional<Arguments> ParseArguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.options.prints_trace = true;
      continue;
    }
    if (i + 1 >= argc || !ParseOption(name, argv[i + 1], arguments)) {
      fmt::print(stderr, "wrong argument: {}\n", name);
      return std::nullopt;
    }
    ++i;
  }
  return arguments;
}

// What the signal handler prints: it may not format.
char crash_report[256];

void OnCrash(int signal) {
  // A failed write leaves nothing better to do.
  const ssize_t written = write(STDERR_FILENO, crash_report, std::strlen(crash_report));
  (void)written;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

bool RunSeed(SimOptions options, std::uint64_t seed, bool is_verbose) {
  options.seed = seed;
  const auto end =
      fmt::format_to_n(crash_report, sizeof(crash_report) - 1,
                       "FAILED: seed {} crashed\nreplay: {}\n", seed, ReplayCommand(options));
  *end.out = '\0';
  const SimReport report = RunSimulation(options);
  if (report.failure) {
    fmt::print("FAILED: seed {} {}\nreplay: {}\n", seed, *report.failure, ReplayCommand(options));
  } else if (is_verbose) {
    fmt::print(
        "ok: seed {}: {} events, {} entries committed, {} writes acknowledged, {} reads ({} by "
        "lease), {} outcomes unknown, recovered in {} ms, trace {:016x}\n",
        seed, report.events, report.entries_committed, report.writes_acknowledged,
        report.reads_answered, report.lease_reads, report.outcomes_unknown,
        std::chrono::duration_cast<std::chrono::milliseconds>(report.recovery).count(),
        report.trace_hash);
  }
  std::fflush(stdout);
  return !report.failure;
}

// Runs every `jobs`-th seed, beginning with the `job`-th.
bool RunShare(const Arguments& arguments, std::uint64_t job) {
  bool all_held = true;
  for (std::uint64_t seed = arguments.first_seed + job; seed <= arguments.last_seed;
       seed += arguments.jobs) {
    all_held = RunSeed(arguments.options, seed, false) && all_held;
  }
  return all_held;
}

bool RunJobs(const Arguments& arguments) {
  for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
    const pid_t child = fork();
    if (child < 0) {
      std::perror("fork");
      return false;
    }
    if (child == 0) _exit(RunShare(arguments, job) ? 0 : 1);
  }
  bool all_held = true;
  for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
    int status = 0;
    if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) all_held = false;
  }
  return all_held;
}

int Main(int argc, char** argv) {
  const std::optional<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments) {
    fmt::print(stderr,
               "usage: seshat-sim --seed N | --seeds A..B [--nodes N] [--seconds N] "
               "[--mode safety|liveness] [--jobs N] [--trace]\n");
    return 2;
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, OnCrash);
  if (arguments->first_seed == arguments->last_seed) {
    return RunSeed(arguments->options, arguments->first_seed, true) ? 0 : 1;
  }
  const auto begin = std::chrono::steady_clock::now();
  const bool all_held = RunJobs(*arguments);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{}: seeds {}..{} in {:.1f} s\n", all_held ? "ok" : "FAILED", arguments->first_seed,
             arguments->last_seed, took.count());
  return all_held ? 0 : 1;
}

}  // namespace
}  // namespace seshat

int main(int argc, char** argv) {
  return seshat::Main(argc, argv);
}
