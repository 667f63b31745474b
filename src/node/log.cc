#include "seshat/node/log.h"

#include <pthread.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>

#include "log_line.h"

namespace seshat {
namespace {

struct LogState {
  std::shared_ptr<spdlog::logger> logger;
  bool is_json = false;
};

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

LogState MakeLog(LogLevel level, LogFormatSetting format) {
  LogState state;
  state.is_json = format == LogFormatSetting::kJson ||
                  (format == LogFormatSetting::kAuto && ::isatty(STDERR_FILENO) == 0);
  if (state.is_json) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    state.logger = std::make_shared<spdlog::logger>("seshat", std::move(sink));
    state.logger->set_pattern("%v");
  } else {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    state.logger = std::make_shared<spdlog::logger>("seshat", std::move(sink));
    state.logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
  }
  state.logger->set_level(SpdlogLevel(level));
  state.logger->flush_on(spdlog::level::info);
  return state;
}

// Never destroyed: threads may log while the process exits.
LogState& TheLog() {
  static LogState* const state = new LogState(MakeLog(LogLevel::kInfo, LogFormatSetting::kAuto));
  return *state;
}

std::string_view FileName(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace

void StartLog(LogLevelSetting level, LogFormatSetting format) {
  TheLog() = MakeLog(static_cast<LogLevel>(level), format);
}

void Log(LogLevel level, std::string_view target, std::string_view message,
         std::initializer_list<LogField> fields, const std::source_location& where) {
  const LogState& state = TheLog();
  if (!state.logger->should_log(SpdlogLevel(level))) return;
  char thread[16] = "";
  ::pthread_getname_np(::pthread_self(), thread, sizeof thread);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const LogEvent event{.time = {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()},
                       .level = level,
                       .target = target,
                       .thread = thread,
                       .file = FileName(where.file_name()),
                       .line = where.line(),
                       .message = message,
                       .fields = fields};
  const std::string line = state.is_json ? ToJsonLine(event) : ToTextLine(event);
  state.logger->log(SpdlogLevel(level), spdlog::string_view_t(line));
}

void FlushLog() {
  TheLog().logger->flush();
}

}  // namespace seshat
