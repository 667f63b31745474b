// Any bytes, split anywhere: no crash, no read past the buffer, and the same requests as unsplit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/check.h"
#include "seshat/resp/request_parser.h"

namespace {

struct Outcome {
  std::vector<std::string> arguments;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome Parse(std::string_view bytes, std::size_t step) {
  seshat::RequestLimits limits;
  limits.inline_bytes_max = 64;
  limits.arguments_max = 64;
  limits.request_bytes_max = 1024;
  seshat::RequestParser parser;
  seshat::RequestBatch batch;
  Outcome outcome;
  std::size_t begin = 0;
  for (std::size_t end = 0; end < bytes.size() && outcome.error.empty();) {
    end = std::min(bytes.size(), end + step);
    // A buffer of its own, so that a read past its end is seen.
    const auto buffer = std::make_unique<char[]>(end - begin);
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
              bytes.begin() + static_cast<std::ptrdiff_t>(end), buffer.get());
    batch.Clear();
    const auto progress = parser.Parse({buffer.get(), end - begin}, limits, bytes.size(), batch);
    for (const seshat::Arguments& request : batch.requests()) {
      SESHAT_CHECK(!request.empty());
      outcome.arguments.emplace_back("request");
      outcome.arguments.insert(outcome.arguments.end(), request.begin(), request.end());
    }
    begin += progress.consumed;
    outcome.error = progress.error;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string bytes(data + 1, data + size);
  const std::size_t step = data[0] % 32 + 1;
  SESHAT_CHECK(Parse(bytes, step) == Parse(bytes, bytes.size() + 1));
  return 0;
}
