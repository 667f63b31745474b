#include "seshat/node/real_ports.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "seshat/base/check.h"
#include "seshat/node/log.h"

namespace seshat {
namespace {

constexpr unsigned kLastWordsSeconds = 2;

}  // namespace

MonotonicTime SystemClock::Now() const {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

UnixMillis SystemClock::WallNow() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

std::uint64_t SystemRng::Next() {
  std::uint64_t value = 0;
  // Up to 256 bytes come whole or not at all; interrupted only before the pool is ready at boot.
  while (::getrandom(&value, sizeof value, 0) != sizeof value) SESHAT_CHECK(errno == EINTR);
  return value;
}

void ProcessFatalHandler::StopNode(const Error& why) {
  ::alarm(kLastWordsSeconds);  // whoever reads the log may have stopped reading: end all the same
  Log(LogLevel::kError, "node", "stopping at once: " + why.message(),
      {{"error", ToString(why.code())}});
  FlushLog();
  ::_exit(kExitStatus);
}

void ProcessFatalHandler::AwaitStop() {
  while (true) ::pause();
}

}  // namespace seshat
