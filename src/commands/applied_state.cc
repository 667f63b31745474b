#include "seshat/commands/applied_state.h"

#include <fmt/format.h>

#include "seshat/base/check.h"
#include "seshat/commands/key_layout.h"
#include "seshat/v1/storage.pb.h"

namespace seshat {
namespace {

constexpr std::uint32_t kVersion = 1;

Result<AppliedState> FromRow(Result<Lookup> row) {
  if (!row) return std::unexpected(std::move(row).error());
  SESHAT_CHECK(row->outcome != Lookup::Outcome::kWouldBlock);
  if (row->outcome == Lookup::Outcome::kNotFound) return AppliedState{};
  return DecodeAppliedState(row->value);
}

}  // namespace

std::string EncodeAppliedState(const AppliedState& state) {
  v1::AppliedState message;
  message.set_version(kVersion);
  message.set_index(state.index.value());
  message.set_term(state.term.value());
  message.set_clock_ms(state.clock.value);
  message.set_revision(state.revision.value());
  message.set_key_count(state.key_count);
  message.set_keyspace_generation(state.keyspace_generation);
  if (state.digest) message.set_digest(*state.digest);
  return message.SerializeAsString();
}

Result<AppliedState> DecodeAppliedState(std::string_view bytes) {
  v1::AppliedState message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      message.version() == 0 || message.clock_ms() < 0) {
    return MakeError(ErrorCode::kCorruption, "row \"applied\" does not decode");
  }
  if (message.version() > kVersion) {
    return MakeError(ErrorCode::kFailedPrecondition,
                     fmt::format("row \"applied\" has version {}, this node knows {}: it was "
                                 "written by a newer Seshat",
                                 message.version(), kVersion));
  }
  return AppliedState{
      .index = LogIndex(message.index()),
      .term = Term(message.term()),
      .clock = UnixMillis{message.clock_ms()},
      .revision = Revision(message.revision()),
      .key_count = message.key_count(),
      .keyspace_generation = message.keyspace_generation(),
      .digest = message.has_digest() ? std::optional(message.digest()) : std::nullopt};
}

Result<AppliedState> ReadAppliedState(const StateStore& store, GroupId group) {
  return FromRow(store.Get(group, kAppliedRowKey, ReadTier::kAnywhere));
}

Result<AppliedState> ReadAppliedState(const StateView& view) {
  return FromRow(view.Get(kAppliedRowKey, ReadTier::kAnywhere));
}

}  // namespace seshat
