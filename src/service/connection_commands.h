// Commands about the connection itself: PING, ECHO, AUTH, HELLO, RESET, SELECT, QUIT, CLIENT, ...
// Source: Redis 7.0.15, networking.c and acl.c for the words of its replies.
#pragma once

#include "seshat/commands/command_spec.h"
#include "seshat/resp/reply.h"
#include "seshat/resp/request.h"
#include "session.h"

namespace seshat {

// Whether the command changes how later or earlier ones are answered, so that it must wait for what
// is in flight.
bool ChangesSession(CommandId id);

// Pre: spec.kind is kConnection; arguments has its arity.
Reply ExecuteConnectionCommand(const CommandSpec& spec, Arguments arguments, Session& session);

}  // namespace seshat
