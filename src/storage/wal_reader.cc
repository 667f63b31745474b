#include "wal_reader.h"

#include <utility>

#include "crc32c.h"

namespace seshat {
namespace {

std::uint32_t LittleEndian32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// RocksDB stores checksums rotated and shifted, so that a checksum of bytes that hold checksums
// stays a good one.
std::uint32_t Masked(std::uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

}  // namespace

Result<WalReader> WalReader::Open(const std::filesystem::path& path) {
  Result<FileDescriptor> file = OpenForReading(path);
  if (!file) return std::unexpected(file.error());
  Result<std::uint64_t> zeros_from = BytesBeforeZeros(path);
  if (!zeros_from) return std::unexpected(zeros_from.error());
  return WalReader(path, *std::move(file), *zeros_from);
}

Status WalReader::LoadBlock() {
  if (loaded_) block_offset_ += kBlockBytes;
  loaded_ = true;
  position_ = 0;
  return ReadAt(file_, path_, block_offset_, kBlockBytes, block_);
}

std::optional<WalReader::Fragment> WalReader::FragmentHere() const {
  const std::string_view bytes = std::string_view(block_).substr(position_);
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char type = byte(6);
  const std::size_t length = byte(4) | static_cast<std::size_t>(byte(5)) << 8;
  if (type < static_cast<unsigned char>(FragmentType::kFull) ||
      type > static_cast<unsigned char>(FragmentType::kLast)) {
    return std::nullopt;
  }
  if (kHeaderBytes + length > bytes.size()) return std::nullopt;
  if (LittleEndian32(bytes) != Masked(Crc32c(bytes.substr(6, 1 + length)))) return std::nullopt;
  return Fragment{.type = FragmentType(type), .payload = bytes.substr(kHeaderBytes, length)};
}

WalItem WalReader::Damage(std::string what) {
  searching_ = true;
  const std::uint64_t at = partial_ ? partial_->offset : offset();
  partial_.reset();
  return WalItem{.offset = at, .payload = {}, .damage = std::move(what)};
}

std::optional<WalItem> WalReader::Consume(const Fragment& fragment) {
  const bool starts = fragment.type == FragmentType::kFull || fragment.type == FragmentType::kFirst;
  const bool ends = fragment.type == FragmentType::kFull || fragment.type == FragmentType::kLast;
  // The fragment stays unread: it is looked at again, as the start of a record.
  if (starts && partial_) return Damage("a record without its end");
  const std::uint64_t at = offset();
  if (!starts && !partial_ && !searching_) {
    WalItem damage = Damage("a record without its beginning");
    position_ += kHeaderBytes + fragment.payload.size();
    return damage;
  }
  position_ += kHeaderBytes + fragment.payload.size();
  if (!starts && !partial_) return std::nullopt;
  if (starts) {
    searching_ = false;
    partial_ = WalItem{.offset = at, .payload = {}, .damage = {}};
  }
  partial_->payload.append(fragment.payload);
  if (!ends) return std::nullopt;
  return std::exchange(partial_, std::nullopt);
}

Result<std::optional<WalItem>> WalReader::Next() {
  for (;;) {
    if (!loaded_ || (left() < kHeaderBytes && block_.size() == kBlockBytes)) {
      if (Status loaded = LoadBlock(); !loaded) return std::unexpected(loaded.error());
      continue;
    }
    if (offset() >= zeros_from_ && !partial_) return std::nullopt;
    if (left() < kHeaderBytes) {
      if (searching_) return std::nullopt;
      WalItem damage = Damage("the file ends inside a record");
      position_ = block_.size();
      return damage;
    }
    const std::optional<Fragment> fragment = FragmentHere();
    if (fragment) {
      if (std::optional<WalItem> item = Consume(*fragment)) return item;
      continue;
    }
    if (searching_) {
      ++position_;
      continue;
    }
    return Damage("a record that does not match its checksum");
  }
}

}  // namespace seshat
