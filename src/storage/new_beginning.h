// StorageEngine::BeginAnew: one batch that moves groups of a node into another cluster.
#pragma once

#include <string_view>
#include <vector>

#include "database.h"
#include "log_writer.h"
#include "seshat/base/error.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// What the rows of the default family begin with that hold the store ids of peers.
inline constexpr std::string_view kPeerRowPrefix = "peer:";

// The contract of StorageEngine::BeginAnew.
Status WriteNewBeginnings(Database& database, LogWriter& writer,
                          const std::vector<NewBeginning>& groups);

}  // namespace seshat
