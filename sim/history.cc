#include "history.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace seshat {
namespace {

// One way in which things may have gone so far.
struct Possibility {
  std::uint64_t value = 0;
  std::uint64_t done = 0;  // open operations that have taken effect, by slot
  auto operator<=>(const Possibility&) const = default;
};

struct Open {
  const Operation* operation = nullptr;
  bool outcome_known = false;
};

constexpr std::size_t kSlots = 64;

// Whether `operation` may take effect on `value`, and what the value is then.
std::optional<std::uint64_t> Effect(const Open& open, std::uint64_t value) {
  const Operation& operation = *open.operation;
  switch (operation.kind) {
    case Operation::Kind::kRead:
      if (operation.seen != value) return std::nullopt;
      return value;
    case Operation::Kind::kWrite:
      return operation.written;
    case Operation::Kind::kCompareAndSet:
      // One whose outcome we know from others only is here because it did store.
      if (open.outcome_known ? operation.seen != value : operation.expected != value) {
        return std::nullopt;
      }
      return value == operation.expected ? operation.written : value;
  }
  return std::nullopt;
}

class Search {
 public:
  // False when it cannot be open at the same time as all the others.
  bool Call(const Operation& operation, bool outcome_known) {
    const auto free = std::find_if(open_.begin(), open_.end(),
                                   [](const Open& open) { return open.operation == nullptr; });
    if (free == open_.end()) return false;
    *free = {&operation, outcome_known};
    return true;
  }

  // Keeps only the possibilities in which `operation` has taken effect by now.
  bool Return(const Operation& operation) {
    const auto it = std::find_if(open_.begin(), open_.end(),
                                 [&](const Open& open) { return open.operation == &operation; });
    const auto slot = static_cast<std::size_t>(it - open_.begin());
    const std::uint64_t bit = std::uint64_t{1} << slot;

    std::set<Possibility> seen(possibilities_.begin(), possibilities_.end());
    std::vector<Possibility> work(possibilities_.begin(), possibilities_.end());
    std::set<Possibility> kept;
    while (!work.empty()) {
      const Possibility possibility = work.back();
      work.pop_back();
      if ((possibility.done & bit) != 0) {
        kept.insert({possibility.value, possibility.done & ~bit});
        continue;
      }
      for (std::size_t i = 0; i < kSlots; ++i) {
        const std::uint64_t other = std::uint64_t{1} << i;
        if (open_[i].operation == nullptr || (possibility.done & other) != 0) continue;
        const auto value = Effect(open_[i], possibility.value);
        if (!value) continue;
        const Possibility next{*value, possibility.done | other};
        if (seen.insert(next).second) work.push_back(next);
      }
    }
    *it = {};
    possibilities_ = std::move(kept);
    return !possibilities_.empty();
  }

 private:
  std::vector<Open> open_ = std::vector<Open>(kSlots);
  std::set<Possibility> possibilities_{Possibility{}};
};

std::string Describe(const Operation& operation) {
  const char* kind = operation.kind == Operation::Kind::kRead    ? "read"
                     : operation.kind == Operation::Kind::kWrite ? "write"
                                                                 : "compare-and-set";
  return fmt::format("{} (wrote {}, saw {}) called at {:.6f} s on {}", kind, operation.written,
                     operation.seen, static_cast<double>(operation.called.count()) / 1e9,
                     operation.where);
}

struct Moment {
  SimTime when;
  bool is_return = false;
  std::size_t operation = 0;
};

// When each value was first seen by somebody who returned: by then it had been written.
std::map<std::uint64_t, SimTime> FirstSeen(const std::vector<Operation>& operations) {
  std::map<std::uint64_t, SimTime> first_seen;
  const auto see = [&](std::uint64_t value, SimTime when) {
    const auto [it, is_new] = first_seen.emplace(value, when);
    if (is_new || it->second <= when) return is_new;
    it->second = when;
    return true;
  };
  for (const Operation& operation : operations) {
    if (operation.returned && operation.kind != Operation::Kind::kWrite) {
      see(operation.seen, *operation.returned);
    }
  }
  // A compare-and-set of unknown outcome whose own value was seen has seen what it expected.
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (const Operation& operation : operations) {
      if (operation.returned || operation.kind != Operation::Kind::kCompareAndSet) continue;
      const auto seen = first_seen.find(operation.written);
      if (seen != first_seen.end() && see(operation.expected, seen->second)) has_changed = true;
    }
  }
  return first_seen;
}

}  // namespace

std::optional<std::string> FindAnomaly(std::vector<Operation> operations) {
  const std::map<std::uint64_t, SimTime> first_seen = FirstSeen(operations);
  std::vector<bool> outcome_known(operations.size(), true);
  std::vector<Moment> moments;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    Operation& operation = operations[i];
    if (!operation.returned) {
      const auto seen = first_seen.find(operation.written);
      if (operation.kind == Operation::Kind::kRead || seen == first_seen.end()) continue;
      if (seen->second < operation.called) return "seen before its call: " + Describe(operation);
      operation.returned = seen->second;
      outcome_known[i] = false;
    }
    moments.push_back({operation.called, false, i});
    moments.push_back({*operation.returned, true, i});
  }
  // At equal times calls come first: what touches may overlap.
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    return std::tuple(a.when, a.is_return, a.operation) <
           std::tuple(b.when, b.is_return, b.operation);
  });

  Search search;
  for (const Moment& moment : moments) {
    const Operation& operation = operations[moment.operation];
    if (!moment.is_return) {
      if (!search.Call(operation, outcome_known[moment.operation])) return "too many clients";
    } else if (!search.Return(operation)) {
      return "no order explains " + Describe(operation);
    }
  }
  return std::nullopt;
}

}  // namespace seshat
