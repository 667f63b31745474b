#include "crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace seshat {
namespace {

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

// table[k][b]: the checksum's change for byte b followed by k zero bytes ("slicing by 8").
constexpr Table MakeTable() {
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);
    table[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t previous = table[k - 1][byte];
      table[k][byte] = (previous >> 8) ^ table[0][previous & 0xff];
    }
  }
  return table;
}

constexpr Table kTable = MakeTable();

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  while (bytes.size() >= 8) {
    std::array<unsigned char, 8> word;
    std::memcpy(word.data(), bytes.data(), 8);
    const auto low = [&](std::size_t i) { return (crc >> (8 * i) & 0xff) ^ word[i]; };
    crc = kTable[7][low(0)] ^ kTable[6][low(1)] ^ kTable[5][low(2)] ^ kTable[4][low(3)] ^
          kTable[3][word[4]] ^ kTable[2][word[5]] ^ kTable[1][word[6]] ^ kTable[0][word[7]];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes)
    crc = (crc >> 8) ^ kTable[0][(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return crc ^ 0xffffffffu;
}

}  // namespace seshat
