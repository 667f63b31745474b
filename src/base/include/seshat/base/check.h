// Always-on checks for our own bugs. Never on bytes from a client, a peer or a disk: those give an
// Error (docs/style.md, section 4).
#pragma once

#include <string_view>

namespace seshat {

// Writes file, line, `condition` and `detail` to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition,
                              std::string_view detail);

}  // namespace seshat

#define SESHAT_CHECK(condition)                                  \
  do {                                                           \
    if (!(condition)) [[unlikely]]                               \
      ::seshat::CheckFailed(__FILE__, __LINE__, #condition, ""); \
  } while (false)

// `detail` is evaluated only on failure.
#define SESHAT_CHECK_MSG(condition, detail)                            \
  do {                                                                 \
    if (!(condition)) [[unlikely]]                                     \
      ::seshat::CheckFailed(__FILE__, __LINE__, #condition, (detail)); \
  } while (false)
