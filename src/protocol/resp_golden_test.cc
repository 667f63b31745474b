// Runs testdata/*.txt: requests through the parser, replies through decoder and encoder.
#include <gtest/gtest.h>

#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/resp/reply_decoder.h"
#include "seshat/resp/reply_encoder.h"
#include "seshat/resp/request_parser.h"
#include "support/golden_file.h"

namespace seshat {
namespace {

std::string Show(const Arguments& arguments) {
  std::string line;
  for (const std::string_view argument : arguments) {
    if (!line.empty()) line += ' ';
    line += '"' + EscapeGolden(std::string(argument)) + '"';
  }
  return line + '\n';
}

// Feeds `bytes` in pieces of `step` and shows the requests, then the error or what is left over.
std::string ParseInSteps(const std::string& bytes, std::size_t step, const RequestLimits& limits) {
  RequestParser parser;
  RequestBatch batch;
  std::string shown;
  std::string buffer;
  for (std::size_t fed = 0; fed < bytes.size(); fed += step) {
    buffer += bytes.substr(fed, step);
    batch.Clear();
    const ParseProgress progress = parser.Parse(buffer, limits, 1000, batch);
    for (const Arguments& arguments : batch.requests()) shown += Show(arguments);
    if (!progress.error.empty()) return shown + "error: " + EscapeGolden(progress.error);
    buffer.erase(0, progress.consumed);
  }
  return shown + (buffer.empty() ? "end" : "waits for more");
}

RequestLimits LimitsFrom(const std::string& line) {
  RequestLimits limits;
  constexpr std::string_view kRequestBytes = "!request_bytes_max=";
  if (line == "!unauthenticated") limits.unauthenticated = true;
  if (line.starts_with(kRequestBytes)) {
    limits.request_bytes_max = std::stoul(line.substr(kRequestBytes.size()));
  }
  return limits;
}

TEST(RespGoldenTest, RequestsParseAsWritten) {
  RunGoldenFile(SESHAT_TESTDATA_DIR "/requests.txt", [](const std::string& input) {
    RequestLimits limits;
    std::string wire = input;
    if (input.starts_with('!')) {
      const std::size_t line_end = input.find('\n');
      limits = LimitsFrom(input.substr(0, line_end));
      wire = input.substr(line_end + 1);
    }
    std::erase(wire, '\n');
    const std::string bytes = UnescapeGolden(wire);
    std::string whole = ParseInSteps(bytes, bytes.size(), limits);
    EXPECT_EQ(ParseInSteps(bytes, 1, limits), whole) << input;
    return whole;
  });
}

TEST(RespGoldenTest, RepliesEncodeAsWritten) {
  RunGoldenFile(SESHAT_TESTDATA_DIR "/replies.txt", [](const std::string& input) -> std::string {
    RespDecoder decoder;
    decoder.Feed(UnescapeGolden(input));
    const Result<std::optional<Reply>> reply = decoder.Next();
    if (!reply) return "error: " + reply.error().message();
    if (!*reply) return "waits for more";
    std::string resp2;
    std::string resp3;
    EncodeReply(**reply, RespVersion::kResp2, resp2);
    EncodeReply(**reply, RespVersion::kResp3, resp3);
    return "2: " + EscapeGolden(resp2) + "\n3: " + EscapeGolden(resp3);
  });
}

}  // namespace
}  // namespace seshat
