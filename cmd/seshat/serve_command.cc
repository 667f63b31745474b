#include "serve_command.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

#include "seshat/node/log.h"
#include "seshat/node/node.h"

namespace seshat {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitBadConfiguration = 2;
// A stop that takes longer is cut off by SIGALRM, whose default is to end the process.
constexpr unsigned kStopSecondsMax = 20;

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Waits for a signal or for `failure_event`. True for a signal.
bool WaitForEnd(int signal_descriptor, int failure_event) {
  pollfd entries[] = {{signal_descriptor, POLLIN, 0}, {failure_event, POLLIN, 0}};
  while (::poll(entries, 2, -1) <= 0) {
  }
  return entries[0].revents != 0;
}

}  // namespace

int RunServe(const ConfigSources& sources) {
  // Blocked before any thread exists, so that all inherit it and only the wait below sees them.
  const sigset_t signals = EndSignals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  const int signal_descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC);
  const int failure_event = ::eventfd(0, EFD_CLOEXEC);

  const Result<LoadedConfig> loaded = LoadNodeConfig(sources);
  if (!loaded) {
    Log(LogLevel::kError, "config", loaded.error().message());
    return kExitBadConfiguration;
  }
  StartLog(loaded->config.log_level, loaded->config.log_format);
  for (const std::string& warning : loaded->warnings) Log(LogLevel::kWarn, "config", warning);
  Result<std::unique_ptr<Node>> node =
      Node::Start(loaded->config, [failure_event](const Error& why) {
        Log(LogLevel::kError, "node", "cannot go on: " + why.message());
        const std::uint64_t one = 1;
        (void)!::write(failure_event, &one, sizeof one);
      });
  if (!node) {
    Log(LogLevel::kError, "node", "cannot start: " + node.error().message());
    return kExitFailed;
  }
  const bool was_asked = WaitForEnd(signal_descriptor, failure_event);
  if (was_asked) Log(LogLevel::kInfo, "node", "asked to stop");
  // From here on a signal has its default effect: the second one ends the process at once. The
  // first is taken from the queue before that.
  signalfd_siginfo taken{};
  if (was_asked) (void)!::read(signal_descriptor, &taken, sizeof taken);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::alarm(kStopSecondsMax);
  (*node)->Stop();
  return was_asked ? 0 : kExitFailed;
}

}  // namespace seshat
