// seshat-sim: runs simulations by seed.
//
//   seshat-sim --seed N | --seeds A..B  [--nodes 3] [--seconds 20] [--mode safety|liveness]
//              [--jobs 1] [--trace] [--bug NAME] [--without FAULT]... [--only FAULT[,FAULT]...]
//   seshat-sim --list-bugs | --list-faults
//   seshat-sim --script FILE|-
// Exit status 0 when every run held, 1 when one failed, 2 for wrong arguments or a wrong step.
// `--seeds` runs each job in a process of its own, so that a crash of one seed is reported like any
// other failure, and ends with what all came to (totals.h). `--bug` switches one of the seeded bugs
// on (seeded_bugs.h); `--list-bugs` gives one a line: name, options of the runs that find it, what
// it breaks, separated by `|`. `--script` plays a scenario on bare cores (script.h) from a file or
// standard input.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <new>
#include <optional>
#include <span>
#include <string>

#include <fmt/format.h>

#include "arguments.h"
#include "script.h"
#include "seeded_bugs.h"
#include "seshat/base/seeded_bug.h"
#include "simulation.h"
#include "totals.h"

namespace seshat {
namespace {

// What the signal handler prints: it may not format.
char crash_report[256];

void OnCrash(int signal) {
  // A failed write leaves nothing better to do.
  const ssize_t written = write(STDERR_FILENO, crash_report, std::strlen(crash_report));
  (void)written;
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

bool RunSeed(SimOptions options, std::uint64_t seed, bool is_verbose, Totals& totals) {
  options.seed = seed;
  const auto end =
      fmt::format_to_n(crash_report, sizeof(crash_report) - 1,
                       "FAILED: seed {} crashed\nreplay: {}\n", seed, ReplayCommand(options));
  *end.out = '\0';
  const SimReport report = RunSimulation(options);
  totals.Add(report);
  if (report.failure) {
    fmt::print("FAILED: seed {} {}\nreplay: {}\n", seed, *report.failure, ReplayCommand(options));
  } else if (report.is_undecided) {
    fmt::print("undecided: seed {}: nothing broke, but the check of the history was given up\n",
               seed);
  } else if (is_verbose) {
    fmt::print(
        "ok: seed {}: {} events, {} entries committed, {} writes acknowledged, {} reads, "
        "{} outcomes unknown, {} not applied, recovered in {} ms, trace {:016x}\n",
        seed, report.events, report.entries_committed, report.writes_acknowledged,
        report.reads_answered, report.outcomes_unknown, report.not_applied,
        std::chrono::duration_cast<std::chrono::milliseconds>(report.recovery).count(),
        report.trace_hash);
  }
  std::fflush(stdout);
  return !report.failure;
}

// Runs every `jobs`-th seed, beginning with the `job`-th.
bool RunShare(const Arguments& arguments, std::uint64_t job, Totals& totals) {
  bool all_held = true;
  for (std::uint64_t seed = arguments.first_seed + job; seed <= arguments.last_seed;
       seed += arguments.jobs) {
    all_held = RunSeed(arguments.options, seed, false, totals) && all_held;
  }
  return all_held;
}

// `totals`: one for each job, in memory that the processes share.
bool RunJobs(const Arguments& arguments, std::span<Totals> totals) {
  for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
    const pid_t child = fork();
    if (child < 0) {
      std::perror("fork");
      return false;
    }
    if (child == 0) _exit(RunShare(arguments, job, totals[job]) ? 0 : 1);
  }
  bool all_held = true;
  for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
    int status = 0;
    if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) all_held = false;
  }
  return all_held;
}

bool RunSeeds(const Arguments& arguments) {
  const std::size_t bytes = arguments.jobs * sizeof(Totals);
  void* const shared =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("mmap");
    return false;
  }
  const std::span<Totals> totals(new (shared) Totals[arguments.jobs], arguments.jobs);
  const auto begin = std::chrono::steady_clock::now();
  const bool all_held = RunJobs(arguments, totals);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  Totals sum;
  for (const Totals& each : totals) sum += each;
  munmap(shared, bytes);
  fmt::print("{}: seeds {}..{} in {:.1f} s\n{}", all_held ? "ok" : "FAILED", arguments.first_seed,
             arguments.last_seed, took.count(), sum.Describe());
  return all_held;
}

int RunScript(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) {
      fmt::print(stderr, "cannot read {}\n", path);
      return 2;
    }
  }
  const Status status = PlayScript(path == "-" ? std::cin : file, std::cout);
  if (status) return 0;
  fmt::print(stderr, "{}\n", status.error().message());
  return status.error().code() == ErrorCode::kInvalidArgument ? 2 : 1;
}

int Main(int argc, char** argv) {
  const std::optional<Arguments> arguments = ParseArguments(argc, argv);
  if (!arguments) return 2;
  if (arguments->lists_bugs) {
    for (const SeededBug& bug : SeededBugs()) {
      fmt::print("{} | {} | {}\n", bug.name, bug.options, bug.breaks);
    }
    return 0;
  }
  if (arguments->lists_faults) {
    for (const Fault fault : Faults()) fmt::print("{}\n", ToString(fault));
    return 0;
  }
  ChooseBug(arguments->bug);
  if (!arguments->script.empty()) return RunScript(arguments->script);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) std::signal(signal, OnCrash);
  if (arguments->first_seed == arguments->last_seed) {
    Totals totals;
    return RunSeed(arguments->options, arguments->first_seed, true, totals) ? 0 : 1;
  }
  return RunSeeds(*arguments) ? 0 : 1;
}

}  // namespace
}  // namespace seshat

int main(int argc, char** argv) {
  return seshat::Main(argc, argv);
}
