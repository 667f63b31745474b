// Log entries and proposal batches as bytes: the format of the log and of append requests.
//
// An entry's bytes are the same on disk and on the wire, and writing them copies the data once,
// straight into the buffer that leaves.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/raft/entry.h"

namespace seshat {

// A VersionedLogEntry. Source: docs/formats.md, "log family".
std::size_t EncodedEntrySize(const Entry& entry);
void AppendEntry(std::string& out, const Entry& entry);
std::string EncodeEntry(const Entry& entry);

struct EntryView {
  Entry entry;            // without data
  std::string_view data;  // a view into the bytes decoded
};

// Errors: kCorruption when malformed; kFailedPrecondition when of a newer version. Both name the
//         message type; the caller adds which record.
Result<EntryView> DecodeEntryView(std::string_view bytes);
// A config entry comes with its configuration decoded.
Result<Entry> DecodeEntry(std::string_view bytes);

// A ProposalBatch, the data of a normal entry.
Payload EncodeProposalBatch(UnixMillis stamp, std::span<const std::string_view> commands);

struct ProposalBatchView {
  UnixMillis stamp;
  std::vector<std::string_view> commands;  // views into the bytes decoded
};

// Errors: as DecodeEntryView.
Result<ProposalBatchView> DecodeProposalBatch(std::string_view bytes);

}  // namespace seshat
