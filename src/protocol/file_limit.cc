#include "seshat/protocol/file_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

namespace seshat {

Status RaiseFileLimit(std::size_t connections_max, std::size_t reserve) {
  const rlim_t wanted = connections_max + reserve;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot read RLIMIT_NOFILE: {}", std::strerror(errno)));
  }
  if (limit.rlim_cur >= wanted) return {};
  // Root may raise the hard limit too.
  const rlimit higher{wanted, wanted > limit.rlim_max ? wanted : limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &higher) == 0) return {};
  const rlimit highest{limit.rlim_max, limit.rlim_max};
  const bool raised = setrlimit(RLIMIT_NOFILE, &highest) == 0;
  if (raised && limit.rlim_max >= wanted) return {};
  return MakeError(ErrorCode::kResourceExhausted,
                   fmt::format("{} client connections need {} open files, but this process may "
                               "have {}: raise the limit (ulimit -n, or LimitNOFILE= of systemd) "
                               "or lower the number of connections",
                               connections_max, wanted, limit.rlim_max));
}

}  // namespace seshat
