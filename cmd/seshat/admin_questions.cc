#include "admin_questions.h"

#include <chrono>

namespace seshat {

std::string NobodyAnswered(std::string_view command, std::string_view flag, const Error& why) {
  return fmt::format("seshat {}: {}\nIs a node running there? {} gives another admin address.\n",
                     command, why.message(), flag);
}

Result<StatusReport> AskStatus(const std::string& address) {
  return Understand(address, AdminGet(address, "/status", std::chrono::seconds(5)),
                    &ParseStatusReport);
}

}  // namespace seshat
