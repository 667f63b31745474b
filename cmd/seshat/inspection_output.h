// What was found in a data directory, as a table for people and as JSON.
#pragma once

#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/node/directory_inspection.h"

namespace seshat {

std::string ToTable(const DirectoryInspection& inspection);
std::string ToJson(const DirectoryInspection& inspection);

// `is_verified`: whether the files were read, or the metadata alone.
std::string ToTable(const SnapshotsInspection& inspection, bool is_verified);
std::string ToJson(const SnapshotsInspection& inspection, bool is_verified);

// Says on stderr why an offline command could not do its work, and gives the exit status: 1 when
// something is damaged, full or failed, 2 when what was asked for cannot be.
int PrintFailure(std::string_view command, const Error& why);

// Printable ASCII as it is, but for the backslash, which is doubled; others as \xNN.
std::string Printable(std::string_view bytes);

}  // namespace seshat
