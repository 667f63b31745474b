#include "seshat/commands/key_layout.h"

#include <fmt/format.h>

#include <cstdint>

#include "seshat/base/big_endian.h"
#include "seshat/base/check.h"

namespace seshat {
namespace {

constexpr std::uint16_t kExpiryBase = 0x4000;
static_assert(kExpiryBase == kSlotCount, "expiry rows start right after the data rows");

constexpr std::size_t kSlotBytes = 2;
constexpr std::size_t kExpiryHeadBytes = kSlotBytes + 8;

std::unexpected<Error> MalformedRow(std::string_view what, std::string_view row_key) {
  return MakeError(ErrorCode::kCorruption,
                   fmt::format("malformed {} row key \"{}\"", what, PrintableKey(row_key)));
}

std::string ExpiryTag(std::uint16_t slot) {
  std::string tag;
  AppendBigEndian16(tag, static_cast<std::uint16_t>(kExpiryBase + slot));
  return tag;
}

}  // namespace

std::string DataRowKey(std::string_view user_key) {
  std::string row_key;
  SetDataRowKey(user_key, row_key);
  return row_key;
}

void SetDataRowKey(std::string_view user_key, std::string& row_key) {
  row_key.clear();
  row_key.reserve(kSlotBytes + user_key.size());
  AppendBigEndian16(row_key, SlotOf(user_key).value());
  row_key.append(user_key);
}

std::string ExpiryRowKey(Slot slot, UnixMillis expires_at, std::string_view user_key) {
  SESHAT_CHECK(expires_at.value >= 0);
  std::string row_key;
  row_key.reserve(kExpiryHeadBytes + user_key.size());
  AppendBigEndian16(row_key, static_cast<std::uint16_t>(kExpiryBase + slot.value()));
  AppendBigEndian64(row_key, static_cast<std::uint64_t>(expires_at.value));
  row_key.append(user_key);
  return row_key;
}

std::string ExpiryRowsBegin(Slot slot) {
  return ExpiryTag(slot.value());
}

std::string ExpiryRowsEnd(Slot slot) {
  return ExpiryTag(static_cast<std::uint16_t>(slot.value() + 1));
}

Result<DataRow> ParseDataRowKey(std::string_view row_key) {
  if (row_key.size() < kSlotBytes) return MalformedRow("data", row_key);
  const std::uint16_t tag = ReadBigEndian16(row_key);
  const std::string_view user_key = row_key.substr(kSlotBytes);
  if (tag >= kSlotCount || SlotOf(user_key).value() != tag) return MalformedRow("data", row_key);
  return DataRow{.slot = Slot(tag), .user_key = user_key};
}

Result<ExpiryRow> ParseExpiryRowKey(std::string_view row_key) {
  if (row_key.size() < kExpiryHeadBytes) return MalformedRow("expiry", row_key);
  const std::uint16_t tag = ReadBigEndian16(row_key);
  const auto expires_at = static_cast<std::int64_t>(ReadBigEndian64(row_key.substr(kSlotBytes)));
  const std::string_view user_key = row_key.substr(kExpiryHeadBytes);
  if (tag < kExpiryBase || tag >= kExpiryBase + kSlotCount || expires_at < 0 ||
      SlotOf(user_key).value() != tag - kExpiryBase) {
    return MalformedRow("expiry", row_key);
  }
  return ExpiryRow{.slot = Slot(static_cast<std::uint16_t>(tag - kExpiryBase)),
                   .expires_at = UnixMillis{expires_at},
                   .user_key = user_key};
}

std::string PrintableKey(std::string_view key) {
  constexpr std::size_t kShownBytesMax = 64;
  std::string printable;
  for (char c : key.substr(0, kShownBytesMax)) {
    if (c >= 0x20 && c < 0x7f && c != '\\' && c != '"') {
      printable.push_back(c);
    } else {
      printable += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (key.size() > kShownBytesMax) printable += fmt::format("... ({} bytes)", key.size());
  return printable;
}

}  // namespace seshat
