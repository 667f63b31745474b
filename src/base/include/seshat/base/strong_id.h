// StrongId: an integer that only mixes with its own kind.
//
// Node ids, terms and log indexes are all 64-bit numbers; swapping two of them must not compile.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace seshat {

// Threads: immutable value type.
template <typename Tag, typename Rep>
class StrongId {
 public:
  using Value = Rep;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

  constexpr StrongId Next() const { return StrongId(static_cast<Rep>(value_ + 1)); }
  // Pre: value() > 0.
  constexpr StrongId Previous() const { return StrongId(static_cast<Rep>(value_ - 1)); }
  constexpr StrongId operator+(Rep count) const {
    return StrongId(static_cast<Rep>(value_ + count));
  }

 private:
  Rep value_ = 0;
};

}  // namespace seshat

template <typename Tag, typename Rep>
struct std::hash<seshat::StrongId<Tag, Rep>> {
  std::size_t operator()(seshat::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
