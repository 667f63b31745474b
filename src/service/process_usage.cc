#include "process_usage.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

namespace seshat {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  usage.process_id = getpid();
  const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  usage.memory_total_bytes = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * page_bytes;
  std::uint64_t virtual_pages = 0;
  std::uint64_t resident_pages = 0;
  std::ifstream statm("/proc/self/statm");
  if (statm >> virtual_pages >> resident_pages) usage.resident_bytes = resident_pages * page_bytes;
  rusage times{};
  if (getrusage(RUSAGE_SELF, &times) == 0) {
    usage.user_seconds = Seconds(times.ru_utime);
    usage.system_seconds = Seconds(times.ru_stime);
    usage.resident_bytes_max = static_cast<std::uint64_t>(times.ru_maxrss) * 1024;
  }
  utsname name{};
  if (uname(&name) == 0) {
    usage.os = std::string(name.sysname) + " " + name.release + " " + name.machine;
  }
  return usage;
}

}  // namespace seshat
