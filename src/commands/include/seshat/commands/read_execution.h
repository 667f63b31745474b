// Execution of reads over what is stored.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/base/ids.h"
#include "seshat/base/time.h"
#include "seshat/commands/command_spec.h"
#include "seshat/ports/state_store.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"

namespace seshat {

// Rows of one group, through a view or, for single reads, straight from the store.
// Threads: immutable. Lifetime: must not outlive its store or view.
class KeyspaceReader {
 public:
  KeyspaceReader(const StateView& view, ReadTier tier) : view_(&view), tier_(tier) {}
  KeyspaceReader(const StateStore& store, GroupId group, ReadTier tier)
      : store_(&store), group_(group), tier_(tier) {}

  Result<Lookup> Get(std::string_view row_key) const;
  // A reader whose reads all see one state.
  Result<KeyspaceReader> Pinned() const;

 private:
  const StateView* view_ = nullptr;
  std::shared_ptr<const StateView> owned_view_;
  const StateStore* store_ = nullptr;
  GroupId group_;
  ReadTier tier_ = ReadTier::kMemory;
};

// Threads: a value type; owned by its user.
struct ReadOutcome {
  enum class Kind {
    kReply,
    kWouldBlock,  // not in memory: run it again with ReadTier::kAnywhere where blocking is allowed
    kKeyDue,      // wait until the expiry of `due_key` has been applied, then run it again
  };
  Kind kind = Kind::kReply;
  Reply reply = {};          // kReply
  std::string due_key = {};  // kKeyDue: the user's key, with the expiry and revision that an
  UnixMillis due_at = {};    // ExpiringKey for it needs
  Revision due_revision = {};
};

// Runs one read. Commands of several keys read one view; a reply with more than `reply_bytes_max`
// of values becomes an error as soon as that is known.
// Pre:    spec.kind is kRead; arguments[0] names it. `read_time` is the leader's time that came
//         with the read index or the lease, not negative.
// Errors: those of the store and of the decoders; the node is stopping or must.
Result<ReadOutcome> ExecuteRead(const CommandSpec& spec, Arguments arguments,
                                const KeyspaceReader& reader, UnixMillis read_time,
                                std::size_t reply_bytes_max);

}  // namespace seshat
