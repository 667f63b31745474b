#include "child_processes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

namespace seshat {
namespace {

constexpr std::streamoff kTailBytes = 64 << 10;

// After fork: only calls that are safe there.
[[noreturn]] void BecomeChild(const char* executable, char* const* arguments, int log,
                              pid_t supervisor) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != supervisor) ::_exit(1);  // it died before the line above
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(executable, arguments);
  ::_exit(127);
}

}  // namespace

Result<pid_t> StartChild(const std::vector<std::string>& arguments, const std::string& log_file) {
  const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot write {}: {}", log_file, std::strerror(errno)));
  }
  std::vector<std::string> owned = {"seshat"};
  owned.insert(owned.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : owned) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  // By its own name, which is what ps and top then show.
  std::error_code unreadable;
  const std::string executable =
      std::filesystem::read_symlink("/proc/self/exe", unreadable).string();
  const pid_t supervisor = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) BecomeChild(executable.c_str(), pointers.data(), log, supervisor);
  const int error = errno;
  ::close(log);
  if (child < 0) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot start a process: {}", std::strerror(error)));
  }
  return child;
}

std::optional<std::string> PollChild(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, WNOHANG) != child) return std::nullopt;
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  return fmt::format("was killed by signal {} ({})", number, ::strsignal(number));
}

std::string LastLogMessage(const std::string& log_file) {
  std::ifstream file(log_file);
  file.seekg(0, std::ios::end);
  file.seekg(std::max<std::streamoff>(0, file.tellg() - kTailBytes));
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  const nlohmann::json parsed = nlohmann::json::parse(last, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("message") || !parsed["message"].is_string()) {
    return last;
  }
  return parsed["message"].get<std::string>();
}

}  // namespace seshat
