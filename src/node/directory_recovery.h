// RecoverDirectory on given ports, for tests.
#pragma once

#include "directory_rewrite.h"
#include "seshat/node/directory_recovery.h"

namespace seshat {

Result<RecoveredDirectory> RecoverDirectoryOn(const OfflinePorts& ports,
                                              const std::filesystem::path& data_dir);

}  // namespace seshat
