// Cuts off what a power failure tore and nobody had synced, and keeps a copy of it for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "seshat/base/error.h"
#include "seshat/storage/storage_engine.h"

namespace seshat {

// The first of `files` ends at `offset` from now on, the others are removed, the last one first.
// Copies of all of them go to a folder in `torn_dir`, which keeps the newest two. `damage`: what
// was found, for people.
// Errors:     kIo.
// Durability: synced at return. A crash in between leaves a tail that may be cut again.
Result<TornTail> CutOffTornTail(const std::vector<std::filesystem::path>& files,
                                std::uint64_t offset, std::string damage,
                                const std::filesystem::path& torn_dir);

// What CutOffTornTail would cut off and say; `kept_aside` stays empty. Changes nothing. Errors:
// kIo.
Result<TornTail> DescribeTornTail(const std::vector<std::filesystem::path>& files,
                                  std::uint64_t offset, std::string damage);

}  // namespace seshat
