// From the rows and records on a group's disk to what its core starts from, piece by piece.
//
// Each piece by itself; whether they agree is ValidateRestoredState's to say.
#pragma once

#include <string_view>

#include "entry_codec.h"
#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/ports/log_store.h"
#include "seshat/raft/core.h"

namespace seshat {

// Each replaces its part of `restored`.
// Errors: kCorruption; kFailedPrecondition: of a newer version. Both name group and row.
Status RestoreHardState(GroupId group, const LogContents& contents, RestoredState& restored);
// The end of the log, too.
Status RestoreSnapshot(GroupId group, const LogContents& contents, RestoredState& restored);

// Adds the log's next record; its view lies in `value`. Errors: as above, without a place.
Result<EntryView> RestoreRecord(LogIndex index, std::string_view value, RestoredState& restored);

}  // namespace seshat
