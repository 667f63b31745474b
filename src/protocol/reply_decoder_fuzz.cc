// Any bytes: no crash; and what decodes, encodes to something that decodes to the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "seshat/base/check.h"
#include "seshat/resp/reply_decoder.h"
#include "seshat/resp/reply_encoder.h"

namespace {

std::string Encode(const seshat::Reply& reply) {
  std::string wire;
  seshat::EncodeReply(reply, seshat::RespVersion::kResp3, wire);
  return wire;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const seshat::ReplyLimits limits{.depth_max = 8, .items_max = 1000, .bytes_max = 64 * 1024};
  seshat::RespDecoder decoder(limits);
  decoder.Feed(std::string(data, data + size));
  for (;;) {
    const auto reply = decoder.Next();
    if (!reply || !*reply) return 0;
    // Compared as bytes, because a nan is not equal to itself.
    const std::string wire = Encode(**reply);
    seshat::RespDecoder again;
    again.Feed(wire);
    const auto same = again.Next();
    SESHAT_CHECK(same.has_value() && same->has_value());
    SESHAT_CHECK(Encode(**same) == wire);
  }
}
