#include "workload.h"

#include <utility>
#include <vector>

namespace seshat {
namespace {

using Kind = KeyCommand::Kind;
using Condition = KeyCommand::Condition;

}  // namespace

KeyCommand Workload::Next(Random& random) {
  switch (random.Below(4)) {
    case 0:
      return OfCounter(random);
    case 1:
      return OfSeveral(random);
    default:
      return OfString(random, std::string(1, static_cast<char>('u' + random.Below(4))));
  }
}

KeyCommand Workload::OfString(Random& random, std::string key) {
  KeyCommand command;
  command.keys = {std::move(key)};
  const std::uint64_t choice = random.Below(16);
  if (choice < 8) return command;  // GET
  if (choice == 8) {
    command.kind = Kind::kDel;
    return command;
  }
  command.kind = choice < 11 ? Kind::kAppend : Kind::kSet;
  command.values = {NewValue()};
  if (command.kind == Kind::kAppend) return command;
  if (choice == 14) command.condition = Condition::kIfAbsent;
  if (choice == 15) command.condition = Condition::kIfPresent;
  command.returns_old = random.Chance(1, 3);
  return command;
}

KeyCommand Workload::OfCounter(Random& random) {
  KeyCommand command;
  command.keys = {"n"};
  const std::uint64_t choice = random.Below(16);
  if (choice < 5) return command;  // GET
  if (choice == 5) {
    command.kind = Kind::kSet;
    command.values = {std::to_string(random.Below(1000))};
  } else {
    command.kind = Kind::kIncr;
  }
  return command;
}

KeyCommand Workload::OfSeveral(Random& random) {
  const std::vector<std::string> both{"{m}a", "{m}b"};
  KeyCommand command;
  command.keys = both;
  if (random.Chance(1, 4)) command.keys = {both[random.Below(2)]};
  const std::uint64_t choice = random.Below(32);
  if (choice < 16) {
    command.kind = Kind::kMGet;
  } else if (choice == 16) {  // seldom: an unseen one may explain any absence
    command.kind = Kind::kDel;
  } else {
    command.kind = Kind::kMSet;
    for (std::size_t i = 0; i < command.keys.size(); ++i) command.values.push_back(NewValue());
  }
  return command;
}

CommandText TextOf(const KeyCommand& command) {
  CommandText text;
  const auto put = [&](std::string_view word) { text.emplace_back(word); };
  switch (command.kind) {
    case Kind::kGet:
      put("GET");
      break;
    case Kind::kSet:
      put("SET");
      break;
    case Kind::kDel:
      put("DEL");
      break;
    case Kind::kIncr:
      put("INCR");
      break;
    case Kind::kAppend:
      put("APPEND");
      break;
    case Kind::kMGet:
      put("MGET");
      break;
    case Kind::kMSet:
      put("MSET");
      break;
  }
  for (std::size_t i = 0; i < command.keys.size(); ++i) {
    put(command.keys[i]);
    if (i < command.values.size()) put(command.values[i]);
  }
  if (command.condition == Condition::kIfAbsent) put("NX");
  if (command.condition == Condition::kIfPresent) put("XX");
  if (command.returns_old) put("GET");
  return text;
}

}  // namespace seshat
