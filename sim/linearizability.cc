#include "linearizability.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "key_group.h"
#include "linearization_search.h"

namespace seshat {
namespace {

using Outcome = LinearizationSearch::Outcome;

struct SearchResult {
  Outcome outcome = Outcome::kPossible;
  std::size_t moment = 0;  // where the search ended
};

// Searches the moments [from, to) from states of before. `observe` sees the search before each.
template <typename Observer>
SearchResult Search(const KeyGroup& group, std::size_t from, std::size_t to,
                    const std::set<KeyState>& initial, const LinearizabilityOptions& options,
                    Observer observe) {
  LinearizationSearch search(initial, options.possibilities_max);
  for (std::size_t i = 0; i < to; ++i) {
    const GroupMoment& moment = group.moments[i];
    const GroupOperation& operation = group.operations[moment.operation];
    if (operation.is_unknown && (moment.is_return || operation.command.IsRead())) continue;
    if (i < from && !operation.is_unknown) continue;
    observe(search);
    if (!moment.is_return) {
      search.Call(operation);
    } else if (const Outcome outcome = search.Return(operation); outcome != Outcome::kPossible) {
      return {outcome, i};
    }
  }
  return {};
}

SearchResult SearchAll(const KeyGroup& group, const LinearizabilityOptions& options) {
  return Search(group, 0, group.moments.size(), {KeyState{}}, options,
                [](const LinearizationSearch&) {});
}

// The least that shows an anomaly. It asks less of the operations, step by step, and keeps each
// step after which they still cannot be ordered: an operation asks nothing any more when it counts
// as one of unknown outcome.
class AnomalyWindow {
 public:
  // Pre: the search of all of `group` ended as impossible at `last`.
  AnomalyWindow(KeyGroup group, std::size_t last, const LinearizabilityOptions& options)
      : group_(std::move(group)), last_(last), options_(options) {
    std::size_t moment = 0;
    Search(group_, 0, last, {KeyState{}}, options_, [&](const LinearizationSearch& search) {
      for (const KeyState& state : search.States()) first_seen_.emplace(state, moment);
      ++moment;
    });
    for (std::size_t i = 0; i < last; ++i) {
      (group_.moments[i].is_return ? returned_ : called_)[group_.moments[i].operation] = i;
    }
  }

  std::vector<const ClientOperation*> Find() {
    FindStart();
    for (std::size_t i = start_; i < last_; ++i) {
      if (!group_.moments[i].is_return) TryToRelax(i);
    }
    std::vector<const ClientOperation*> window;
    for (std::size_t i = start_; i < last_; ++i) {
      const GroupMoment& moment = group_.moments[i];
      const GroupOperation& operation = group_.operations[moment.operation];
      if (!moment.is_return && !operation.is_unknown) window.push_back(operation.source);
    }
    return window;
  }

 private:
  // The latest start from which nothing fits, whichever state of before it starts from.
  void FindStart() {
    const std::size_t last_call = called_.at(group_.moments[last_].operation);
    const KeyGroup whole = group_;
    for (std::size_t length = 1; length <= last_call; length *= 2) {
      StartAt(last_call + 1 - length);
      if (IsImpossible()) return;
      group_ = whole;
    }
    StartAt(0);
  }

  // What returned before has left its mark in the states; what was under way may yet leave it.
  void StartAt(std::size_t start) {
    start_ = start;
    initial_ = {KeyState{}};
    for (const auto& [state, moment] : first_seen_) {
      if (moment <= start) initial_.insert(state);
    }
    for (const auto& [operation, moment] : called_) {
      const auto returned = returned_.find(operation);
      const bool is_over = returned != returned_.end() && returned->second < start;
      if (moment < start && !is_over) Relax(moment);
    }
  }

  bool IsImpossible() const {
    return Search(group_, start_, last_ + 1, initial_, options_, [](const LinearizationSearch&) {
           }).outcome == Outcome::kImpossible;
  }

  void Relax(std::size_t moment) {
    GroupOperation& operation = group_.operations[group_.moments[moment].operation];
    if (operation.source == LastOperation().source) return;
    operation.is_unknown = true;
    operation.has_changed_nothing = false;
  }

  void TryToRelax(std::size_t moment) {
    GroupOperation& operation = group_.operations[group_.moments[moment].operation];
    const GroupOperation before = operation;
    Relax(moment);
    if (!IsImpossible()) operation = before;
  }

  const GroupOperation& LastOperation() const {
    return group_.operations[group_.moments[last_].operation];
  }

  KeyGroup group_;
  const std::size_t last_;
  const LinearizabilityOptions options_;
  std::map<KeyState, std::size_t> first_seen_;  // before which moment
  std::map<std::size_t, std::size_t> called_;   // by operation: the moment
  std::map<std::size_t, std::size_t> returned_;
  std::size_t start_ = 0;
  std::set<KeyState> initial_;
};

double Seconds(SimTime time) {
  return static_cast<double>(time.count()) / 1e9;
}

std::string ToString(const ClientOperation& operation) {
  return fmt::format(
      "  [{:.6f}, {}] at {}: {} -> {}", Seconds(operation.called),
      operation.returned ? fmt::format("{:.6f}", Seconds(*operation.returned)) : "unknown",
      operation.where, ToString(operation.command),
      operation.returned ? ToString(operation.reply) : "unknown");
}

std::string Explain(const KeyGroup& group, std::size_t last,
                    const LinearizabilityOptions& options) {
  const std::vector<const ClientOperation*> window = AnomalyWindow(group, last, options).Find();
  std::set<std::string> keys;
  for (const ClientOperation* each : window) {
    keys.insert(each->command.keys.begin(), each->command.keys.end());
  }
  std::string text = fmt::format(
      "{} {}: no order explains {}, whatever the others did:", keys.size() == 1 ? "key" : "keys",
      fmt::join(keys, ", "),
      window.size() == 1 ? "this operation" : fmt::format("these {} operations", window.size()));
  for (const ClientOperation* each : window) text += '\n' + ToString(*each);
  return text;
}

}  // namespace

LinearizabilityReport CheckLinearizability(std::span<const ClientOperation> operations,
                                           const LinearizabilityOptions& options) {
  LinearizabilityReport report;
  for (const KeyGroup& group : GroupByKeys(operations)) {
    const SearchResult result = SearchAll(group, options);
    if (result.outcome == Outcome::kImpossible) {
      return {LinearizabilityVerdict::kAnomaly, Explain(group, result.moment, options)};
    }
    if (result.outcome == Outcome::kUndecided) {
      const GroupOperation& last = group.operations[group.moments[result.moment].operation];
      report = {LinearizabilityVerdict::kUndecided,
                fmt::format("more than {} possibilities at the return of\n{}",
                            options.possibilities_max, ToString(*last.source))};
    }
  }
  return report;
}

}  // namespace seshat
