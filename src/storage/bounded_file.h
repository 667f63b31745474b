// A file system in which one file ends early: how a directory will look once a start has cut a torn
// tail off, without cutting it.
#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace seshat {

// Of `file`, read from its beginning, only the first `bytes` show. `base`: not owned, outlives the
// result.
std::unique_ptr<rocksdb::Env> MakeBoundedEnv(rocksdb::Env* base, const std::filesystem::path& file,
                                             std::uint64_t bytes);

}  // namespace seshat
