#include "seshat/commands/row_digest.h"

#include <xxhash.h>

#include "seshat/base/slot.h"
#include "seshat/commands/key_layout.h"

namespace seshat {

std::uint64_t HashRow(std::string_view row_key, std::string_view bytes) {
  const std::uint64_t seed = XXH3_64bits(row_key.data(), row_key.size());
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Result<std::uint64_t> SumRows(const StateView& view) {
  std::uint64_t sum = 0;
  const Status scanned = view.Scan("", ExpiryRowsBegin(Slot(0)),
                                   [&](std::string_view row_key, std::string_view bytes) {
                                     sum += HashRow(row_key, bytes);
                                     return true;
                                   });
  if (!scanned) return std::unexpected(scanned.error());
  return sum;
}

}  // namespace seshat
