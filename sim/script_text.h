// How states and messages look in a script (script.h), and back. docs/testing.md fixes the format.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "script_world.h"
#include "seshat/base/error.h"

namespace seshat {

// "n1 leader term=2 vote=1 leader=1 commit=3 log=1:1 2:1 3:2". One that is down shows its disk.
std::string FormatNode(const ScriptNode& node);
// "append-request term=2 previous=1:1 commit=1 entries=2:2", without sender and receiver.
std::string FormatMessage(const Message& message);
// "read 1 n2 granted index=3".
std::string FormatRead(const ScriptRead& read);
// What the leader `node` knows of one follower: "1->2 replicate match=3 next=4 in_flight=0".
std::string FormatFollower(NodeId node, const FollowerStatus& follower);

// The configuration in force: "n1 voters=1,2,3 learners=4".
std::string FormatMembers(NodeId node, const Configuration& configuration);

// "append-request" and so on: the types that a message made by hand may have.
std::vector<std::string> ScriptMessageNames();
// Errors: kInvalidArgument: no such type.
Result<MessageType> ParseMessageType(std::string_view name);
// The fields that a type has.
std::vector<std::string_view> FieldsOf(MessageType type);
// Errors: kInvalidArgument: the field and what it must look like.
// Pre: `field` is one of those of the message's type.
Status ParseMessageField(std::string_view field, std::string_view value, Message& message);

// "1:1 2:1 3:2": index and term of each; empty text for none. An entry that is a configuration has
// its voters and learners after it: "2:1(1,2,3)", "2:1(1,3;2)".
// Errors: kInvalidArgument.
Result<std::vector<Entry>> ParseEntries(std::string_view text);

}  // namespace seshat
