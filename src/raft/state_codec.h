// The rows of a group's state family, and configurations, as bytes.
#pragma once

#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/time.h"
#include "seshat/raft/configuration.h"
#include "seshat/raft/entry.h"

namespace seshat {

// Row `state`. The promise is rounded up to whole milliseconds: it may bind longer, never shorter.
std::string EncodeHardState(const HardState& state);
// Errors of all decoders here: kCorruption when malformed; kFailedPrecondition when of a newer
// version. Both name the message type; the caller adds which record.
Result<HardState> DecodeHardState(std::string_view bytes);

// Row `snapshot`, and the descriptor in a snapshot request.
std::string EncodeSnapshotMetadata(const SnapshotDescriptor& snapshot, UnixMillis created_at);
Result<SnapshotDescriptor> DecodeSnapshotMetadata(std::string_view bytes);

// The data of a configuration entry.
std::string EncodeConfiguration(const Configuration& configuration);
// Lists come back ascending and without repetition, whatever the bytes say of their order.
Result<Configuration> DecodeConfiguration(std::string_view bytes);

}  // namespace seshat
