#include "snapshot_command.h"

#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "inspection_output.h"
#include "seshat/node/directory_inspection.h"

namespace seshat {
namespace {

int Print(std::string_view command, const Result<SnapshotsInspection>& inspection, bool as_json,
          bool is_verified) {
  if (!inspection) {
    fmt::print(stderr, "seshat snapshot {}: {}\n", command, inspection.error().message());
    return 2;
  }
  fmt::print("{}", as_json ? ToJson(*inspection, is_verified) : ToTable(*inspection, is_verified));
  return inspection->damage.empty() ? 0 : 1;
}

}  // namespace

int RunSnapshotList(const SnapshotCommandOptions& options) {
  return Print("list", ListSnapshots(options.data_dir), options.as_json, false);
}

int RunSnapshotVerify(const SnapshotCommandOptions& options) {
  return Print("verify", VerifySnapshots(options.data_dir, options.name), options.as_json, true);
}

}  // namespace seshat
