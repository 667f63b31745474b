#include "linearizability.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "seshat/base/random.h"

namespace seshat {
namespace {

using Kind = KeyCommand::Kind;
using Condition = KeyCommand::Condition;
using Operations = std::vector<ClientOperation>;
using enum LinearizabilityVerdict;

constexpr std::int64_t kUnknown = -1;

KeyCommand Get(std::string key) {
  return {.kind = Kind::kGet, .keys = {std::move(key)}};
}
KeyCommand Set(std::string key, std::string value, Condition condition = Condition::kAlways,
               bool returns_old = false) {
  return {Kind::kSet, {std::move(key)}, {std::move(value)}, condition, returns_old};
}
KeyCommand Del(std::vector<std::string> keys) {
  return {.kind = Kind::kDel, .keys = std::move(keys)};
}
KeyCommand Incr(std::string key) {
  return {.kind = Kind::kIncr, .keys = {std::move(key)}};
}
KeyCommand Append(std::string key, std::string value) {
  return {.kind = Kind::kAppend, .keys = {std::move(key)}, .values = {std::move(value)}};
}
KeyCommand MGet(std::vector<std::string> keys) {
  return {.kind = Kind::kMGet, .keys = std::move(keys)};
}
KeyCommand MSet(std::vector<std::string> keys, std::vector<std::string> values) {
  return {.kind = Kind::kMSet, .keys = std::move(keys), .values = std::move(values)};
}
Reply Text(std::string text) {
  return Reply::Bulk(std::move(text));
}
Reply Nil() {
  return Reply::Null();
}
Reply Number(std::int64_t value) {
  return Reply::Integer(value);
}

ClientOperation Done(KeyCommand command, std::int64_t called, std::int64_t returned, Reply reply) {
  return {std::move(command), SimTime(called), SimTime(returned), std::move(reply), "node 1"};
}
ClientOperation Ok(KeyCommand command, std::int64_t called, std::int64_t returned) {
  return Done(std::move(command), called, returned, Reply::Ok());
}
ClientOperation Unknown(KeyCommand command, std::int64_t called) {
  return {.command = std::move(command), .called = SimTime(called), .where = "node 2"};
}

LinearizabilityVerdict VerdictOn(const Operations& operations) {
  return CheckLinearizability(operations).verdict;
}

// Tries every order. It shares the key model with the checker, and nothing else.
class BruteForce {
 public:
  explicit BruteForce(const Operations& operations) : operations_(operations) {
    for (const ClientOperation& operation : operations) {
      std::vector<std::uint8_t>& places = places_.emplace_back();
      for (const std::string& key : operation.command.keys) {
        places.push_back(places_of_keys_.emplace(key, places_of_keys_.size()).first->second);
      }
    }
  }

  bool FindsOrder() { return FindsOrder(0, KeyState{}); }

 private:
  bool FindsOrder(std::uint32_t done, const KeyState& state) {
    if (!tried_.emplace(done, state).second) return false;
    bool is_complete = true;
    SimTime first_return = SimTime::max();
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      if ((done >> i & 1) != 0 || !operations_[i].returned) continue;
      is_complete = false;
      first_return = std::min(first_return, *operations_[i].returned);
    }
    if (is_complete) return true;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      const ClientOperation& operation = operations_[i];
      if ((done >> i & 1) != 0 || operation.called > first_return) continue;
      KeyState after = state;
      const Reply* reply = operation.returned ? &operation.reply : nullptr;
      if (!TakeEffect(operation.command, places_[i], reply, after)) continue;
      if (FindsOrder(done | std::uint32_t{1} << i, after)) return true;
    }
    return false;
  }

  const Operations& operations_;
  std::map<std::string, std::uint8_t> places_of_keys_;
  std::vector<std::vector<std::uint8_t>> places_;
  std::set<std::pair<std::uint32_t, KeyState>> tried_;
};

// A store that executes each command at a random moment between its call and its return, for
// clients that each have one under way; some outcomes stay unknown.
class HonestStore {
 public:
  struct Options {
    std::size_t operations = 0;
    std::size_t clients = 0;
    std::uint64_t unknown_percent = 0;
  };
  using NextCommand = std::function<KeyCommand(Random&)>;

  HonestStore(Random& random, Options options, NextCommand next_command)
      : random_(random), options_(options), next_command_(std::move(next_command)) {}

  Operations Run() {
    std::vector<std::size_t> idle(options_.clients);
    while (history_.size() < options_.operations || !under_way_.empty()) {
      ++now_;
      const std::size_t pick = random_.Below(options_.clients);
      if (pick >= under_way_.size()) {
        if (history_.size() < options_.operations) Begin();
      } else {
        Advance(pick);
      }
      if (!late_.empty() && random_.Chance(1, 50)) ExecuteLate();
    }
    return std::move(history_);
  }

 private:
  struct UnderWay {
    std::size_t operation = 0;
    bool is_executed = false;
  };

  void Begin() {
    under_way_.push_back({history_.size(), false});
    history_.push_back({.command = next_command_(random_),
                        .called = SimTime(now_),
                        .where = fmt::format("node {}", random_.Below(3) + 1)});
  }

  void Advance(std::size_t index) {
    UnderWay& under_way = under_way_[index];
    if (!under_way.is_executed && random_.Below(100) < options_.unknown_percent) {
      late_.push_back(under_way.operation);
    } else if (!under_way.is_executed) {
      ClientOperation& operation = history_[under_way.operation];
      operation.reply = Execute(operation.command);
      under_way.is_executed = true;
      return;
    } else if (random_.Below(100) >= options_.unknown_percent) {
      history_[under_way.operation].returned = SimTime(now_);
    }
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  // Half of them never take effect.
  void ExecuteLate() {
    const std::size_t index = random_.Below(late_.size());
    if (random_.Chance(1, 2)) Execute(history_[late_[index]].command);
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(index));
  }

  Reply Execute(const KeyCommand& command) {
    using Value = std::optional<std::string>;
    const auto shown = [](const Value& value) { return value ? Text(*value) : Nil(); };
    Value& value = values_[command.keys[0]];
    switch (command.kind) {
      case Kind::kGet:
        return shown(value);
      case Kind::kSet: {
        const Value old = value;
        const bool is_stored = command.condition == Condition::kAlways ||
                               (command.condition == Condition::kIfPresent) == old.has_value();
        if (is_stored) value = command.values[0];
        if (command.returns_old) return shown(old);
        return is_stored ? Reply::Ok() : Nil();
      }
      case Kind::kDel: {
        std::int64_t deleted = 0;
        for (const std::string& key : command.keys) {
          if (values_[key]) ++deleted;
          values_[key].reset();
        }
        return Number(deleted);
      }
      case Kind::kIncr: {
        const auto number = value ? NumberIn(*value) : 0;
        if (!number) return Reply::Error("ERR value is not an integer or out of range");
        value = std::to_string(*number + 1);
        return Number(*number + 1);
      }
      case Kind::kAppend:
        value = value.value_or("") + command.values[0];
        return Number(static_cast<std::int64_t>(value->size()));
      case Kind::kMGet: {
        std::vector<Reply> items;
        for (const std::string& key : command.keys) items.push_back(shown(values_[key]));
        return Reply::Array(std::move(items));
      }
      case Kind::kMSet:
        for (std::size_t i = 0; i < command.keys.size(); ++i) {
          values_[command.keys[i]] = command.values[i];
        }
        return Reply::Ok();
    }
    return Nil();
  }

  Random& random_;
  const Options options_;
  const NextCommand next_command_;
  std::int64_t now_ = 0;
  Operations history_;
  std::vector<UnderWay> under_way_;
  std::vector<std::size_t> late_;  // of unknown outcome, not executed so far
  std::map<std::string, std::optional<std::string>> values_;
};

std::string Describe(const Operations& operations) {
  std::string text;
  for (const ClientOperation& each : operations) {
    text += fmt::format("[{}, {}] {} -> {}\n", each.called.count(),
                        each.returned ? each.returned->count() : kUnknown, ToString(each.command),
                        each.returned ? ToString(each.reply) : "unknown");
  }
  return text;
}

// Few keys and values, so that everything meets everything.
KeyCommand CrowdedCommand(Random& random) {
  const auto key = [&] { return std::string(1, static_cast<char>('a' + random.Below(3))); };
  static constexpr const char* kValues[] = {"x", "y", "1", "9", "", "-", "xx"};
  const auto value = [&] { return std::string(kValues[random.Below(std::size(kValues))]); };
  switch (random.Below(10)) {
    case 0:
    case 1:
      return Get(key());
    case 2:
      return Set(key(), value());
    case 3:
    case 4:
      return Set(key(), value(), static_cast<Condition>(random.Below(3)), random.Chance(1, 2));
    case 5:
      return random.Chance(1, 3) ? Del({key(), key()}) : Del({key()});
    case 6:
      return Incr(key());
    case 7:
      return Append(key(), value());
    case 8:
      return MGet({key(), key()});
    default:
      return MSet({key(), key()}, {value(), value()});
  }
}

// Changes one answer, or when one operation was called or returned.
void Spoil(Operations& operations, Random& random) {
  ClientOperation& operation = operations[random.Below(operations.size())];
  const ClientOperation& other = operations[random.Below(operations.size())];
  if (!operation.returned) return;
  switch (random.Below(4)) {
    case 0:
      operation.reply = other.reply;
      break;
    case 1:
      operation.reply.integer += 1;
      break;
    case 2:
      operation.called = std::min(other.called, *operation.returned);
      break;
    default:
      operation.returned = std::max(operation.called, other.called);
      break;
  }
}

TEST(LinearizabilityTest, AgreesWithBruteForceOnSmallHistories) {
  std::map<bool, int> verdicts;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    Random random(seed);
    HonestStore store(random,
                      {.operations = 4 + random.Below(9),
                       .clients = 2 + random.Below(4),
                       .unknown_percent = random.Below(40)},
                      CrowdedCommand);
    Operations operations = store.Run();
    for (std::uint64_t i = random.Below(4); i > 0; --i) Spoil(operations, random);

    const bool expected = BruteForce(operations).FindsOrder();
    const LinearizabilityReport report = CheckLinearizability(operations);

    ASSERT_EQ(report.verdict, expected ? kLinearizable : kAnomaly) << "seed " << seed << '\n'
                                                                   << Describe(operations);
    ++verdicts[expected];
  }
  EXPECT_GT(verdicts[true], 5'000);
  EXPECT_GT(verdicts[false], 3'000);
}

// What an application might do: values of its own for each write, over keys that stand alone,
// counters, logs, and keys that are written and read together.
class ApplicationCommands {
 public:
  KeyCommand operator()(Random& random) {
    const std::uint64_t kind = random.Below(20);
    if (kind < 10) return AloneCommand(random, "key" + std::to_string(random.Below(3)));
    if (kind < 13) return random.Chance(2, 3) ? Incr("counter") : Get("counter");
    if (kind < 15) return LogCommand(random);
    const auto member = [&] { return std::string(1, static_cast<char>('a' + random.Below(4))); };
    if (kind < 17) return MGet({member(), member(), member()});
    if (kind < 18) return MSet({member(), member()}, {NextValue(), NextValue()});
    return AloneCommand(random, member());
  }

 private:
  KeyCommand AloneCommand(Random& random, std::string key) {
    switch (random.Below(10)) {
      case 0:
        return Del({std::move(key)});
      case 1:
        return Set(std::move(key), NextValue(), Condition::kIfAbsent);
      case 2:
        return Set(std::move(key), NextValue(), Condition::kIfPresent, true);
      case 3:
      case 4:
        return Set(std::move(key), NextValue());
      default:
        return Get(std::move(key));
    }
  }

  KeyCommand LogCommand(Random& random) {
    if (random.Chance(1, 5)) return Set("log", NextValue());
    return random.Chance(1, 2) ? Append("log", NextValue()) : Get("log");
  }

  std::string NextValue() { return fmt::format("v{};", ++last_value_); }

  std::uint64_t last_value_ = 0;
};

Operations LongHistory(std::uint64_t seed, std::size_t clients) {
  Random random(seed);
  ApplicationCommands commands;
  HonestStore store(random, {.operations = 100'000, .clients = clients, .unknown_percent = 1},
                    [&](Random& each) { return commands(each); });
  return store.Run();
}

TEST(LinearizabilityTest, ALongHonestHistoryIsLinearizable) {
  const Operations operations = LongHistory(1, 12);
  const auto unknown = std::count_if(operations.begin(), operations.end(),
                                     [](const ClientOperation& each) { return !each.returned; });
  EXPECT_GT(unknown, 1'000);

  const LinearizabilityReport report = CheckLinearizability(operations);

  EXPECT_EQ(report.verdict, kLinearizable) << report.explanation;
}

TEST(LinearizabilityTest, OneStaleReadInALongHistoryIsFound) {
  Operations operations = LongHistory(2, 12);
  // What a read of the same key was answered a thousand operations earlier.
  const auto stale = std::find_if(operations.begin() + 90'000, operations.end(), [](auto& each) {
    return each.returned && each.command == Get("key1");
  });
  const auto old = std::find_if(operations.begin() + 89'000, operations.end(), [](auto& each) {
    return each.returned && each.command == Get("key1") && each.reply != Nil();
  });
  ASSERT_LT(*old->returned, stale->called);
  stale->reply = old->reply;

  const LinearizabilityReport report = CheckLinearizability(operations);

  EXPECT_EQ(report.verdict, kAnomaly);
  EXPECT_THAT(report.explanation, testing::HasSubstr("GET key1 -> " + ToString(old->reply)));
}

TEST(LinearizabilityTest, OneAfterTheOtherIsLinearizable) {
  EXPECT_EQ(
      VerdictOn({Ok(Set("k", "1"), 0, 10), Done(Get("k"), 20, 30, Text("1")),
                 Done(Incr("k"), 40, 50, Number(2)), Done(Append("k", "x"), 60, 70, Number(2)),
                 Done(Get("k"), 80, 90, Text("2x")), Done(Del({"k"}), 91, 92, Number(1)),
                 Done(Get("k"), 93, 94, Nil())}),
      kLinearizable);
}

TEST(LinearizabilityTest, AReadBesideAWriteMaySeeEither) {
  EXPECT_EQ(VerdictOn({Ok(Set("k", "1"), 0, 100), Done(Get("k"), 10, 20, Nil()),
                       Done(Get("k"), 30, 40, Text("1"))}),
            kLinearizable);
}

TEST(LinearizabilityTest, AStaleReadIsFound) {
  EXPECT_EQ(VerdictOn({Ok(Set("k", "1"), 0, 10), Ok(Set("k", "2"), 20, 30),
                       Done(Get("k"), 40, 50, Text("1"))}),
            kAnomaly);
}

TEST(LinearizabilityTest, ReadsThatGoBackBesideTheWriteAreFound) {
  EXPECT_EQ(VerdictOn({Ok(Set("k", "1"), 0, 100), Done(Get("k"), 10, 20, Text("1")),
                       Done(Get("k"), 30, 40, Nil())}),
            kAnomaly);
}

TEST(LinearizabilityTest, AValueThatNobodyWroteIsFound) {
  EXPECT_EQ(VerdictOn({Done(Get("k"), 0, 10, Text("9"))}), kAnomaly);
}

TEST(LinearizabilityTest, AnIncrementThatIsLostIsFound) {
  EXPECT_EQ(VerdictOn({Done(Incr("k"), 0, 10, Number(1)), Done(Incr("k"), 5, 15, Number(1))}),
            kAnomaly);
  EXPECT_EQ(VerdictOn({Done(Incr("k"), 0, 10, Number(1)), Done(Incr("k"), 5, 15, Number(2)),
                       Done(Get("k"), 20, 30, Text("1"))}),
            kAnomaly);
}

TEST(LinearizabilityTest, AnIncrementOfWhatIsNoNumberGivesAnErrorAndChangesNothing) {
  const Reply error = Reply::Error("ERR value is not an integer or out of range");
  EXPECT_EQ(VerdictOn({Ok(Set("k", "x"), 0, 10), Done(Incr("k"), 20, 30, error),
                       Done(Get("k"), 40, 50, Text("x"))}),
            kLinearizable);
  EXPECT_EQ(VerdictOn({Ok(Set("k", "1"), 0, 10), Done(Incr("k"), 20, 30, error)}), kAnomaly);
}

TEST(LinearizabilityTest, AnIncrementThatOverflowsGivesAnErrorAndChangesNothing) {
  const std::string max = "9223372036854775807";
  EXPECT_EQ(
      VerdictOn({Ok(Set("k", max), 0, 10),
                 Done(Incr("k"), 20, 30, Reply::Error("ERR increment or decrement would overflow")),
                 Done(Get("k"), 40, 50, Text(max))}),
      kLinearizable);
}

TEST(LinearizabilityTest, AnAppendThatTookEffectTwiceIsFound) {
  EXPECT_EQ(
      VerdictOn({Done(Append("k", "x"), 0, 10, Number(1)), Done(Get("k"), 20, 30, Text("xx"))}),
      kAnomaly);
  EXPECT_EQ(VerdictOn({Unknown(Append("k", "x"), 0), Done(Get("k"), 20, 30, Text("xx"))}),
            kAnomaly);
}

TEST(LinearizabilityTest, ReadingHalfOfAnMSetIsFound) {
  const KeyCommand write = MSet({"a", "b"}, {"1", "1"});
  const auto read = [](Reply a, Reply b) {
    return Done(MGet({"a", "b"}), 10, 20, Reply::Array({std::move(a), std::move(b)}));
  };
  EXPECT_EQ(VerdictOn({Ok(write, 0, 30), read(Nil(), Nil())}), kLinearizable);
  EXPECT_EQ(VerdictOn({Ok(write, 0, 30), read(Text("1"), Text("1"))}), kLinearizable);
  EXPECT_EQ(VerdictOn({Ok(write, 0, 30), read(Text("1"), Nil())}), kAnomaly);
  EXPECT_EQ(VerdictOn({Unknown(write, 0), read(Nil(), Text("1"))}), kAnomaly);
}

TEST(LinearizabilityTest, KeysReadTogetherAreCheckedTogether) {
  EXPECT_EQ(VerdictOn({Ok(Set("a", "1"), 0, 10), Ok(Set("b", "1"), 20, 30),
                       Done(MGet({"a", "b"}), 5, 40, Reply::Array({Nil(), Text("1")}))}),
            kAnomaly);
}

TEST(LinearizabilityTest, AWriteOfUnknownOutcomeMayTakeEffectLateOrNever) {
  EXPECT_EQ(VerdictOn({Unknown(Set("k", "1"), 0), Done(Get("k"), 10, 20, Nil()),
                       Done(Get("k"), 30, 40, Nil())}),
            kLinearizable);
  EXPECT_EQ(VerdictOn({Unknown(Set("k", "1"), 0), Done(Get("k"), 10, 20, Nil()),
                       Done(Get("k"), 30, 40, Text("1"))}),
            kLinearizable);
}

TEST(LinearizabilityTest, AWriteOfUnknownOutcomeThatWasSeenAndIsGoneIsFound) {
  EXPECT_EQ(VerdictOn({Unknown(Set("k", "1"), 0), Done(Get("k"), 10, 20, Text("1")),
                       Done(Get("k"), 30, 40, Nil())}),
            kAnomaly);
}

TEST(LinearizabilityTest, AWriteOfUnknownOutcomeTakesEffectOnlyOnce) {
  EXPECT_EQ(VerdictOn({Unknown(Set("k", "1"), 0), Done(Get("k"), 10, 20, Text("1")),
                       Ok(Set("k", "2"), 30, 40), Done(Get("k"), 50, 60, Text("1"))}),
            kAnomaly);
}

TEST(LinearizabilityTest, AWriteOfUnknownOutcomeTakesNoEffectBeforeItsCall) {
  EXPECT_EQ(VerdictOn({Done(Get("k"), 0, 10, Text("1")), Unknown(Set("k", "1"), 20)}), kAnomaly);
}

TEST(LinearizabilityTest, AsManyIncrementsOfUnknownOutcomeTookEffectAsAreSeen) {
  Operations operations;
  for (int i = 0; i < 1'000; ++i) operations.push_back(Unknown(Incr("k"), i));
  operations.push_back(Done(Get("k"), 2'000, 2'010, Text("700")));
  operations.push_back(Done(Incr("k"), 2'020, 2'030, Number(1'001)));
  EXPECT_EQ(VerdictOn(operations), kLinearizable);
  operations.push_back(Done(Get("k"), 2'040, 2'050, Text("1002")));
  EXPECT_EQ(VerdictOn(operations), kAnomaly);
}

TEST(LinearizabilityTest, OfTwoConditionalWritesOfAnAbsentKeyOneSucceeds) {
  const auto create = [](std::string value, Reply reply) {
    return Done(Set("k", std::move(value), Condition::kIfAbsent), 0, 10, std::move(reply));
  };
  EXPECT_EQ(VerdictOn({create("1", Reply::Ok()), create("2", Nil())}), kLinearizable);
  EXPECT_EQ(VerdictOn({create("1", Reply::Ok()), create("2", Reply::Ok())}), kAnomaly);
  EXPECT_EQ(VerdictOn({create("1", Nil()), create("2", Nil())}), kAnomaly);
}

TEST(LinearizabilityTest, SetWithGetShowsTheValueBefore) {
  const KeyCommand swap = Set("k", "2", Condition::kAlways, true);
  EXPECT_EQ(VerdictOn({Ok(Set("k", "1"), 0, 10), Done(swap, 20, 30, Text("1"))}), kLinearizable);
  EXPECT_EQ(VerdictOn({Ok(Set("k", "1"), 0, 10), Done(swap, 20, 30, Nil())}), kAnomaly);
}

TEST(LinearizabilityTest, AnAnomalyIsExplainedByTheOperationsThatCannotBeOrdered) {
  const Operations operations = {
      Ok(Set("other", "7"), 0, 10),
      Ok(Set("k", "1"), 0, 1'000'000),
      Done(Get("k"), 1'100'000, 1'200'000, Text("1")),
      Unknown(Set("k", "3"), 1'300'000),
      Ok(Set("k", "2"), 2'000'000, 3'000'000),
      Done(Get("k"), 3'100'000, 3'200'000, Text("2")),
      Done(Get("k"), 4'000'000, 5'000'000, Text("1")),
  };

  EXPECT_EQ(CheckLinearizability(operations).explanation,
            "key k: no order explains these 2 operations, whatever the others did:\n"
            "  [0.003100, 0.003200] at node 1: GET k -> \"2\"\n"
            "  [0.004000, 0.005000] at node 1: GET k -> \"1\"");
}

TEST(LinearizabilityTest, TooManyPossibilitiesLeaveAHistoryUndecided) {
  Operations operations;
  for (int i = 0; i < 10; ++i) operations.push_back(Unknown(Append("k", std::to_string(i)), 0));
  operations.push_back(Done(Append("k", "x"), 10, 20, Number(8)));

  EXPECT_EQ(CheckLinearizability(operations, {.possibilities_max = 100}).verdict, kUndecided);
}

TEST(LinearizabilityDeathTest, MoreThanFourKeysThatHangTogetherAreTheCallersError) {
  const Operations operations = {Ok(MSet({"a", "b", "c"}, {"1", "1", "1"}), 0, 10),
                                 Ok(MSet({"c", "d", "e"}, {"1", "1", "1"}), 20, 30)};
  EXPECT_DEATH(VerdictOn(operations), "more than 4 keys are touched together");
}

}  // namespace
}  // namespace seshat
