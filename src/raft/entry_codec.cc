#include "entry_codec.h"

#include <memory>
#include <utility>

#include "seshat/base/check.h"
#include "state_codec.h"
#include "wire_codec.h"

namespace seshat {
namespace {

constexpr std::string_view kEntryRecord = "VersionedLogEntry";
constexpr std::string_view kBatchRecord = "ProposalBatch";

enum EntryField : std::uint32_t {
  kEntryVersion = 1,
  kEntryTerm = 2,
  kEntryIndex = 3,
  kEntryType = 4,
  kEntryFeatureLevel = 5,
  kEntryData = 6,
};

enum BatchField : std::uint32_t { kBatchVersion = 1, kBatchStamp = 2, kBatchCommands = 3 };

std::uint64_t EncodedType(EntryType type) {
  switch (type) {
    case EntryType::kNormal:
      return 1;
    case EntryType::kConfig:
      return 2;
    case EntryType::kNoop:
      return 3;
  }
  SESHAT_CHECK_MSG(false, "unknown entry type");
}

bool DecodeType(std::uint64_t value, EntryType& type) {
  switch (value) {
    case 1:
      type = EntryType::kNormal;
      return true;
    case 2:
      type = EntryType::kConfig;
      return true;
    case 3:
      type = EntryType::kNoop;
      return true;
    default:
      return false;
  }
}

}  // namespace

std::size_t EncodedEntrySize(const Entry& entry) {
  const std::size_t data_bytes = entry.data ? entry.data->size() : 0;
  return VarintFieldSize(kEntryVersion, kRecordVersion) +
         VarintFieldSize(kEntryTerm, entry.term.value()) +
         VarintFieldSize(kEntryIndex, entry.index.value()) +
         VarintFieldSize(kEntryType, EncodedType(entry.type)) +
         VarintFieldSize(kEntryFeatureLevel, entry.feature_level.value()) +
         (data_bytes == 0 ? 0 : BytesFieldSize(kEntryData, data_bytes));
}

void AppendEntry(std::string& out, const Entry& entry) {
  AppendVarintField(out, kEntryVersion, kRecordVersion);
  AppendVarintField(out, kEntryTerm, entry.term.value());
  AppendVarintField(out, kEntryIndex, entry.index.value());
  AppendVarintField(out, kEntryType, EncodedType(entry.type));
  AppendVarintField(out, kEntryFeatureLevel, entry.feature_level.value());
  if (entry.data && !entry.data->empty()) {
    AppendBytesHeader(out, kEntryData, entry.data->size());
    out.append(*entry.data);
  }
}

std::string EncodeEntry(const Entry& entry) {
  std::string out;
  out.reserve(EncodedEntrySize(entry));
  AppendEntry(out, entry);
  return out;
}

Result<EntryView> DecodeEntryView(std::string_view bytes) {
  EntryView view;
  std::uint64_t version = 0;
  std::uint64_t type = 0;
  std::uint64_t feature_level = 0;

  WireReader reader(bytes);
  for (WireField field; reader.Next(field);) {
    const bool is_data = field.number == kEntryData;
    const bool is_known = field.number <= kEntryData;
    if (is_known && field.type != (is_data ? WireType::kBytes : WireType::kVarint)) {
      return MalformedRecord(kEntryRecord);
    }
    switch (field.number) {
      case kEntryVersion:
        version = field.value;
        break;
      case kEntryTerm:
        view.entry.term = Term(field.value);
        break;
      case kEntryIndex:
        view.entry.index = LogIndex(field.value);
        break;
      case kEntryType:
        type = field.value;
        break;
      case kEntryFeatureLevel:
        feature_level = field.value;
        break;
      case kEntryData:
        view.data = field.bytes;
        break;
      default:
        break;  // written by a release that knows more; the version says that it may be skipped
    }
  }
  if (!reader.ok()) return MalformedRecord(kEntryRecord);
  if (Status status = CheckRecordVersion(kEntryRecord, version); !status) {
    return std::unexpected(std::move(status).error());
  }
  if (!DecodeType(type, view.entry.type) || view.entry.index == LogIndex{} ||
      feature_level > UINT32_MAX) {
    return MalformedRecord(kEntryRecord);
  }
  view.entry.feature_level = FeatureLevel(static_cast<std::uint32_t>(feature_level));
  return view;
}

Result<Entry> DecodeEntry(std::string_view bytes) {
  Result<EntryView> view = DecodeEntryView(bytes);
  if (!view) return std::unexpected(std::move(view).error());
  Entry entry = std::move(view->entry);
  if (!view->data.empty()) entry.data = std::make_shared<const std::string>(view->data);
  if (entry.type == EntryType::kConfig) {
    Result<Configuration> configuration = DecodeConfiguration(view->data);
    if (!configuration) {
      return std::unexpected(std::move(configuration).error().WithContext(kEntryRecord));
    }
    entry.configuration = std::make_shared<const Configuration>(*std::move(configuration));
  }
  return entry;
}

Payload EncodeProposalBatch(UnixMillis stamp, std::span<const std::string_view> commands) {
  const auto stamp_bits = static_cast<std::uint64_t>(stamp.value);
  std::size_t size =
      VarintFieldSize(kBatchVersion, kRecordVersion) + VarintFieldSize(kBatchStamp, stamp_bits);
  for (const std::string_view command : commands)
    size += BytesFieldSize(kBatchCommands, command.size());

  auto out = std::make_shared<std::string>();
  out->reserve(size);
  AppendVarintField(*out, kBatchVersion, kRecordVersion);
  AppendVarintField(*out, kBatchStamp, stamp_bits);
  for (const std::string_view command : commands) {
    AppendBytesHeader(*out, kBatchCommands, command.size());
    out->append(command);
  }
  return out;
}

Result<ProposalBatchView> DecodeProposalBatch(std::string_view bytes) {
  ProposalBatchView view;
  std::uint64_t version = 0;

  WireReader reader(bytes);
  for (WireField field; reader.Next(field);) {
    const bool is_command = field.number == kBatchCommands;
    const bool is_known = field.number <= kBatchCommands;
    if (is_known && field.type != (is_command ? WireType::kBytes : WireType::kVarint)) {
      return MalformedRecord(kBatchRecord);
    }
    switch (field.number) {
      case kBatchVersion:
        version = field.value;
        break;
      case kBatchStamp:
        view.stamp.value = static_cast<std::int64_t>(field.value);
        break;
      case kBatchCommands:
        view.commands.push_back(field.bytes);
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return MalformedRecord(kBatchRecord);
  if (Status status = CheckRecordVersion(kBatchRecord, version); !status) {
    return std::unexpected(std::move(status).error());
  }
  return view;
}

}  // namespace seshat
