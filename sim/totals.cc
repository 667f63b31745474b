#include "totals.h"

#include <chrono>
#include <ctime>

#include <fmt/format.h>

namespace seshat {
namespace {

double Seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration ProcessorTime() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

void Totals::Add(const SimReport& report) {
  ++runs;
  if (report.is_undecided) ++undecided;
  simulated += report.simulated;
  processor = ProcessorTime();
  operations += report.writes_acknowledged + report.reads_answered + report.outcomes_unknown +
                report.not_applied;
  snapshots_installed += report.snapshots_installed;
  for (const auto& [fault, count] : report.faults) {
    faults.at(static_cast<std::size_t>(fault)) += count;
  }
}

Totals& Totals::operator+=(const Totals& other) {
  runs += other.runs;
  undecided += other.undecided;
  simulated += other.simulated;
  processor += other.processor;
  operations += other.operations;
  snapshots_installed += other.snapshots_installed;
  for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += other.faults[i];
  return *this;
}

std::string Totals::Describe() const {
  std::string text = fmt::format(
      "{:.0f} simulated seconds, {:.0f} for each of {:.1f} s of processor time; {} "
      "operations; {} snapshots installed; {} of {} histories undecided\nfaults:",
      Seconds(simulated), Seconds(simulated) / Seconds(processor), Seconds(processor), operations,
      snapshots_installed, undecided, runs);
  for (const Fault fault : Faults()) {
    text += fmt::format(" {} {}", faults.at(static_cast<std::size_t>(fault)), ToString(fault));
  }
  return text + "\n";
}

}  // namespace seshat
