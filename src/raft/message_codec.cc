#include "message_codec.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "entry_codec.h"
#include "seshat/base/seeded_bug.h"
#include "state_codec.h"
#include "wire_codec.h"

namespace seshat {
namespace {

constexpr std::string_view kMessageRecord = "RaftMessage";
constexpr std::string_view kBatchRecord = "RaftMessageBatch";

enum MessageField : std::uint32_t {
  kVersion = 1,
  kGroupId = 2,
  kType = 3,
  kTerm = 4,
  kFrom = 5,
  kTo = 6,
  kLogIndex = 7,
  kLogTerm = 8,
  kCommit = 9,
  kEntries = 10,
  kReject = 11,
  kHintIndex = 12,
  kHintTerm = 13,
  kReadContext = 14,
  kSentAt = 15,
  kPromise = 16,
  kTransfer = 17,
  kLeaderTime = 18,
  kSnapshot = 19,
  kLogSync = 20,
};

enum BatchField : std::uint32_t { kBatchVersion = 1, kBatchMessages = 2 };

// More than any real promise; keeps the arithmetic on it from overflowing.
constexpr std::uint64_t kPromiseMsMax = std::uint64_t{1000} * 60 * 60 * 24;

struct FieldValue {
  std::uint32_t number;
  std::uint64_t value;
};

// A disk may be stuck for longer; keeps the arithmetic on it from overflowing.
constexpr std::uint64_t kLogSyncUsMax = kPromiseMsMax * 1000;

// The varint fields before and after `entries`, and after `snapshot`, in order of their numbers.
struct VarintFields {
  FieldValue before[9];
  FieldValue after[8];
  FieldValue last;
};

VarintFields FieldsOf(GroupId group, const Message& m) {
  const auto promise = std::chrono::floor<std::chrono::milliseconds>(m.promise).count();
  const auto log_sync = std::chrono::ceil<std::chrono::microseconds>(m.log_sync).count();
  return {{{kVersion, kRecordVersion},
           {kGroupId, group.value()},
           {kType, static_cast<std::uint64_t>(m.type)},
           {kTerm, m.term.value()},
           {kFrom, m.from.value()},
           {kTo, m.to.value()},
           {kLogIndex, m.log_index.value()},
           {kLogTerm, m.log_term.value()},
           {kCommit, m.commit.value()}},
          {{kReject, m.reject && !HasBug("refusal-not-encoded")},
           {kHintIndex, m.hint_index.value()},
           {kHintTerm, m.hint_term.value()},
           {kReadContext, m.read_context},
           {kSentAt, static_cast<std::uint64_t>(m.sent_at.since_boot.count())},
           {kPromise, static_cast<std::uint64_t>(promise)},
           {kTransfer, m.transfer},
           {kLeaderTime, static_cast<std::uint64_t>(m.leader_time.value)}},
          {kLogSync, static_cast<std::uint64_t>(log_sync)}};
}

void ReadVarintField(const WireField& field, GroupMessage& out, std::uint64_t& version,
                     std::uint64_t& type, std::uint64_t& promise_ms) {
  Message& m = out.message;
  switch (field.number) {
    case kVersion:
      version = field.value;
      break;
    case kGroupId:
      out.group = GroupId(field.value);
      break;
    case kType:
      type = field.value;
      break;
    case kTerm:
      m.term = Term(field.value);
      break;
    case kFrom:
      m.from = NodeId(field.value);
      break;
    case kTo:
      m.to = NodeId(field.value);
      break;
    case kLogIndex:
      m.log_index = LogIndex(field.value);
      break;
    case kLogTerm:
      m.log_term = Term(field.value);
      break;
    case kCommit:
      m.commit = LogIndex(field.value);
      break;
    case kReject:
      m.reject = field.value != 0;
      break;
    case kHintIndex:
      m.hint_index = LogIndex(field.value);
      break;
    case kHintTerm:
      m.hint_term = Term(field.value);
      break;
    case kReadContext:
      m.read_context = field.value;
      break;
    case kSentAt:
      m.sent_at = MonotonicTime{Duration(static_cast<std::int64_t>(field.value))};
      break;
    case kPromise:
      promise_ms = field.value;
      break;
    case kTransfer:
      m.transfer = field.value != 0;
      break;
    case kLeaderTime:
      m.leader_time.value = static_cast<std::int64_t>(field.value);
      break;
    case kLogSync:
      m.log_sync = std::chrono::microseconds(std::min(field.value, kLogSyncUsMax));
      break;
    default:
      break;
  }
}

Status ReadBytesField(const WireField& field, Message& message) {
  if (field.number == kEntries) {
    Result<Entry> entry = DecodeEntry(field.bytes);
    if (!entry) return std::unexpected(std::move(entry).error().WithContext(kMessageRecord));
    message.entries.push_back(*std::move(entry));
  } else {
    Result<SnapshotDescriptor> snapshot = DecodeSnapshotMetadata(field.bytes);
    if (!snapshot) return std::unexpected(std::move(snapshot).error().WithContext(kMessageRecord));
    message.snapshot = *std::move(snapshot);
  }
  return {};
}

Result<GroupMessage> DecodeMessage(std::string_view bytes) {
  GroupMessage out;
  std::uint64_t version = 0;
  std::uint64_t type = 0;
  std::uint64_t promise_ms = 0;

  WireReader reader(bytes);
  for (WireField field; reader.Next(field);) {
    if (field.number > kLogSync) continue;
    const bool is_bytes = field.number == kEntries || field.number == kSnapshot;
    if (field.type != (is_bytes ? WireType::kBytes : WireType::kVarint)) {
      return MalformedRecord(kMessageRecord);
    }
    if (!is_bytes) {
      ReadVarintField(field, out, version, type, promise_ms);
    } else if (Status status = ReadBytesField(field, out.message); !status) {
      return std::unexpected(std::move(status).error());
    }
  }
  if (!reader.ok()) return MalformedRecord(kMessageRecord);
  if (Status status = CheckRecordVersion(kMessageRecord, version); !status) {
    return std::unexpected(std::move(status).error());
  }
  if (type < static_cast<std::uint64_t>(MessageType::kPreVoteRequest) ||
      type > static_cast<std::uint64_t>(MessageType::kTimeoutNow) || promise_ms > kPromiseMsMax) {
    return MalformedRecord(kMessageRecord);
  }
  out.message.type = static_cast<MessageType>(type);
  out.message.promise = std::chrono::milliseconds(promise_ms);
  return out;
}

}  // namespace

void MessageBatchWriter::Add(GroupId group, const Message& message) {
  const VarintFields fields = FieldsOf(group, message);
  const std::string snapshot =
      message.snapshot ? EncodeSnapshotMetadata(*message.snapshot, UnixMillis{}) : std::string();

  std::size_t size = message.snapshot ? BytesFieldSize(kSnapshot, snapshot.size()) : 0;
  for (const FieldValue& field : fields.before) size += VarintFieldSize(field.number, field.value);
  for (const Entry& entry : message.entries) {
    size += BytesFieldSize(kEntries, EncodedEntrySize(entry));
  }
  for (const FieldValue& field : fields.after) size += VarintFieldSize(field.number, field.value);
  size += VarintFieldSize(fields.last.number, fields.last.value);

  if (payload_.empty()) AppendVarintField(payload_, kBatchVersion, kRecordVersion);
  payload_.reserve(payload_.size() + BytesFieldSize(kBatchMessages, size));
  AppendBytesHeader(payload_, kBatchMessages, size);
  for (const FieldValue& field : fields.before) {
    AppendVarintField(payload_, field.number, field.value);
  }
  for (const Entry& entry : message.entries) {
    AppendBytesHeader(payload_, kEntries, EncodedEntrySize(entry));
    AppendEntry(payload_, entry);
  }
  for (const FieldValue& field : fields.after) {
    AppendVarintField(payload_, field.number, field.value);
  }
  if (message.snapshot) {
    AppendBytesHeader(payload_, kSnapshot, snapshot.size());
    payload_.append(snapshot);
  }
  AppendVarintField(payload_, fields.last.number, fields.last.value);
}

std::string MessageBatchWriter::Take() {
  return std::exchange(payload_, std::string());
}

Result<std::vector<GroupMessage>> DecodeMessageBatch(std::string_view payload) {
  std::vector<GroupMessage> messages;
  std::uint64_t version = 0;

  WireReader reader(payload);
  for (WireField field; reader.Next(field);) {
    if (field.number > kBatchMessages) continue;
    const bool is_message = field.number == kBatchMessages;
    if (field.type != (is_message ? WireType::kBytes : WireType::kVarint)) {
      return MalformedRecord(kBatchRecord);
    }
    if (!is_message) {
      version = field.value;
      continue;
    }
    Result<GroupMessage> message = DecodeMessage(field.bytes);
    if (!message) return std::unexpected(std::move(message).error());
    messages.push_back(*std::move(message));
  }
  if (!reader.ok()) return MalformedRecord(kBatchRecord);
  if (Status status = CheckRecordVersion(kBatchRecord, version); !status) {
    return std::unexpected(std::move(status).error());
  }
  return messages;
}

}  // namespace seshat
