#include "connection_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ascii_text.h"
#include "seshat/base/check.h"
#include "seshat/commands/error_replies.h"
#include "seshat/commands/integer_text.h"

namespace seshat {
namespace {

constexpr std::string_view kWrongPassword =
    "WRONGPASS invalid username-password pair or user is disabled.";
constexpr std::string_view kRedisVersion = "7.0.15";

// In time that does not depend on where the two differ.
bool SamePassword(std::string_view given, std::string_view wanted) {
  unsigned char difference = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const char c = i < given.size() ? given[i] : '\0';
    difference = static_cast<unsigned char>(difference | (c ^ wanted[i]));
  }
  return difference == 0;
}

// There is one user, `default`; without a configured password it takes any.
bool Authenticate(std::string_view user, std::string_view password, Session& session) {
  const std::string& wanted = session.context->options.password;
  if (user != "default") return false;
  if (!wanted.empty() && !SamePassword(password, wanted)) return false;
  session.authenticated = true;
  return true;
}

Reply Auth(Arguments arguments, Session& session) {
  if (arguments.size() > 3) return SyntaxError();
  if (arguments.size() == 2 && session.context->options.password.empty()) {
    return Reply::Error(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?");
  }
  const std::string_view user = arguments.size() == 3 ? arguments[1] : "default";
  if (!Authenticate(user, arguments.back(), session)) {
    return Reply::Error(std::string(kWrongPassword));
  }
  return Reply::Ok();
}

bool IsPlainText(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '!' && c <= '~'; });
}

Reply SetName(std::string_view name, Session& session) {
  if (!IsPlainText(name)) {
    return Reply::Error("ERR Client names cannot contain spaces, newlines or special characters.");
  }
  session.record->SetName(std::string(name));
  return Reply::Ok();
}

Reply HelloReply(const Session& session) {
  return Reply::Map({Reply::Bulk("server"), Reply::Bulk("redis"),                              //
                     Reply::Bulk("version"), Reply::Bulk(std::string(kRedisVersion)),          //
                     Reply::Bulk("proto"), Reply::Integer(static_cast<int>(session.version)),  //
                     Reply::Bulk("id"),
                     Reply::Integer(static_cast<std::int64_t>(session.record->id)),  //
                     Reply::Bulk("mode"), Reply::Bulk("cluster"),                    //
                     Reply::Bulk("role"), Reply::Bulk("master"),                     //
                     Reply::Bulk("modules"), Reply::Array({})});
}

// HELLO [protover [AUTH username password] [SETNAME clientname]]
Reply Hello(Arguments arguments, Session& session) {
  RespVersion version = session.version;
  if (arguments.size() > 1) {
    const std::optional<std::int64_t> number = ParseInteger(arguments[1]);
    if (!number.has_value()) {
      return Reply::Error("ERR Protocol version is not an integer or out of range");
    }
    if (*number != 2 && *number != 3) return Reply::Error("NOPROTO unsupported protocol version");
    version = *number == 3 ? RespVersion::kResp3 : RespVersion::kResp2;
  }
  std::optional<std::string_view> name;
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    const std::size_t more = arguments.size() - i - 1;
    if (EqualsIgnoringCase(arguments[i], "AUTH") && more >= 2) {
      if (!Authenticate(arguments[i + 1], arguments[i + 2], session)) {
        return Reply::Error(std::string(kWrongPassword));
      }
      i += 2;
    } else if (EqualsIgnoringCase(arguments[i], "SETNAME") && more >= 1) {
      name = arguments[++i];
    } else {
      return ErrorQuoting(fmt::format("ERR Syntax error in HELLO option '{}'", arguments[i]));
    }
  }
  if (!session.authenticated) {
    return Reply::Error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time");
  }
  if (name.has_value()) {
    if (Reply reply = SetName(*name, session); reply.IsError()) return reply;
  }
  session.version = version;
  session.record->resp_version.store(static_cast<int>(version), std::memory_order_relaxed);
  return HelloReply(session);
}

Reply Reset(Session& session) {
  session.version = RespVersion::kResp2;
  session.authenticated = session.context->options.password.empty();
  session.record->resp_version.store(2, std::memory_order_relaxed);
  session.record->read_only.store(false, std::memory_order_relaxed);
  session.record->SetName("");
  return Reply::Simple("RESET");
}

Reply Select(Arguments arguments) {
  const std::optional<std::int64_t> index = ParseInteger(arguments[1]);
  if (!index.has_value()) return NotAnInteger();
  if (*index != 0) return Reply::Error("ERR SELECT is not allowed in cluster mode");
  return Reply::Ok();
}

Reply ClientSetInfo(Arguments arguments, Session& session) {
  const bool is_name = EqualsIgnoringCase(arguments[2], "lib-name");
  if (!is_name && !EqualsIgnoringCase(arguments[2], "lib-ver")) {
    return ErrorQuoting(fmt::format("ERR Unrecognized option '{}'", arguments[2]));
  }
  if (!IsPlainText(arguments[3])) {
    return Reply::Error(fmt::format("ERR {} cannot contain spaces, newlines or special characters.",
                                    is_name ? "lib-name" : "lib-ver"));
  }
  if (is_name) {
    session.record->SetLibraryName(std::string(arguments[3]));
  } else {
    session.record->SetLibraryVersion(std::string(arguments[3]));
  }
  return Reply::Ok();
}

Reply ClientLines(const std::vector<std::shared_ptr<const ClientRecord>>& records,
                  const Session& session) {
  const MonotonicTime now = session.context->ports.clock->Now();
  std::string lines;
  for (const auto& record : records) {
    lines += ClientInfoLine(*record, now);
    lines += '\n';
  }
  return Reply::Verbatim(std::move(lines));
}

// CLIENT LIST [TYPE normal|master|replica|pubsub] [ID client-id ...]
Reply ClientList(Arguments arguments, const Session& session) {
  std::vector<std::shared_ptr<const ClientRecord>> records = session.context->clients.All();
  if (arguments.size() == 2) return ClientLines(records, session);
  if (arguments.size() == 4 && EqualsIgnoringCase(arguments[2], "TYPE")) {
    const std::string_view type = arguments[3];
    if (EqualsIgnoringCase(type, "normal")) return ClientLines(records, session);
    for (std::string_view other : {"master", "replica", "slave", "pubsub"}) {
      if (EqualsIgnoringCase(type, other)) return ClientLines({}, session);
    }
    return ErrorQuoting(fmt::format("ERR Unknown client type '{}'", type));
  }
  if (arguments.size() > 3 && EqualsIgnoringCase(arguments[2], "ID")) {
    std::vector<std::uint64_t> ids;
    for (std::string_view text : arguments.subspan(3)) {
      const std::optional<std::int64_t> id = ParseInteger(text);
      if (!id.has_value() || *id < 1) return Reply::Error("ERR Invalid client ID");
      ids.push_back(static_cast<std::uint64_t>(*id));
    }
    std::erase_if(records, [&](const auto& record) {
      return std::ranges::find(ids, record->id) == ids.end();
    });
    return ClientLines(records, session);
  }
  return SyntaxError();
}

Reply Ping(Arguments arguments) {
  if (arguments.size() > 2) return WrongArity("ping");
  return arguments.size() == 2 ? Reply::Bulk(std::string(arguments[1])) : Reply::Simple("PONG");
}

Reply GetName(const Session& session) {
  std::string name = session.record->GetNames().name;
  return name.empty() ? Reply::Null() : Reply::Bulk(std::move(name));
}

}  // namespace

bool ChangesSession(CommandId id) {
  return id == CommandId::kAuth || id == CommandId::kHello || id == CommandId::kReset ||
         id == CommandId::kQuit;
}

Reply ExecuteConnectionCommand(const CommandSpec& spec, Arguments arguments, Session& session) {
  switch (spec.id) {
    case CommandId::kPing:
      return Ping(arguments);
    case CommandId::kEcho:
      return Reply::Bulk(std::string(arguments[1]));
    case CommandId::kAuth:
      return Auth(arguments, session);
    case CommandId::kHello:
      return Hello(arguments, session);
    case CommandId::kReset:
      return Reset(session);
    case CommandId::kSelect:
      return Select(arguments);
    case CommandId::kQuit:
      session.close_after_reply = true;
      return Reply::Ok();
    case CommandId::kClientGetName:
      return GetName(session);
    case CommandId::kClientSetName:
      return SetName(arguments[2], session);
    case CommandId::kClientSetInfo:
      return ClientSetInfo(arguments, session);
    case CommandId::kClientId:
      return Reply::Integer(static_cast<std::int64_t>(session.record->id));
    case CommandId::kClientInfo:
      return Reply::Verbatim(ClientInfoLine(*session.record, session.context->ports.clock->Now()) +
                             "\n");
    case CommandId::kClientList:
      return ClientList(arguments, session);
    // Any node serves any client, so these change nothing but what CLIENT LIST shows.
    case CommandId::kReadOnly:
    case CommandId::kReadWrite:
      session.record->read_only.store(spec.id == CommandId::kReadOnly, std::memory_order_relaxed);
      return Reply::Ok();
    case CommandId::kAsking:
      return Reply::Ok();
    default:
      CheckFailed(__FILE__, __LINE__, "spec.kind == kConnection", spec.full_name);
  }
}

}  // namespace seshat
