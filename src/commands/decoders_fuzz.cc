// Every decoder of this layer over any bytes: values, applied state, row keys, data commands; and
// data commands that decode are applied, since what the log holds need not be what we wrote.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "seshat/base/check.h"
#include "seshat/commands/applied_state.h"
#include "seshat/commands/data_command.h"
#include "seshat/commands/execution.h"
#include "seshat/commands/key_layout.h"
#include "seshat/commands/keyspace.h"
#include "seshat/commands/stored_value.h"
#include "support/memory_state_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace seshat;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  if (const auto value = DecodeValue("row", bytes)) {
    SESHAT_CHECK(DecodeValue("row", EncodeValue(*value)).has_value());
  }
  if (const auto state = DecodeAppliedState(bytes)) {
    SESHAT_CHECK(DecodeAppliedState(EncodeAppliedState(*state)) == *state);
  }
  if (const auto row = ParseDataRowKey(bytes)) SESHAT_CHECK(DataRowKey(row->user_key) == bytes);
  if (const auto row = ParseExpiryRowKey(bytes)) {
    SESHAT_CHECK(ExpiryRowKey(row->slot, row->expires_at, row->user_key) == bytes);
  }

  MemoryStateStore store;
  store.AddGroup(kFirstDataGroup);
  Keyspace keyspace(store, kFirstDataGroup, AppliedState{});
  DataCommand scratch;
  const auto reply = ApplyDataCommand(bytes, keyspace, keyspace.BeginEntry(UnixMillis{1000}),
                                      ReplicatedLimits{}, scratch);
  SESHAT_CHECK(reply.has_value() || !reply.error().message().empty());
  store.Write(kFirstDataGroup, keyspace.TakeBatch(LogIndex(1), Term(1)).writes);
  return 0;
}
