// Rows of one group's state store, and a view of them as they were.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "seshat/ports/state_store.h"

namespace seshat {

using Rows = std::map<std::string, std::string, std::less<>>;

// Threads: immutable.
class RowsView : public StateView {
 public:
  explicit RowsView(std::shared_ptr<const Rows> rows) : rows_(std::move(rows)) {}

  Result<Lookup> Get(std::string_view key, ReadTier) const override {
    const auto it = rows_->find(key);
    if (it == rows_->end()) return Lookup{};
    return Lookup{Lookup::Outcome::kFound, it->second};
  }

  Status Scan(std::string_view first, std::string_view end,
              const std::function<bool(std::string_view, std::string_view)>& visit) const override {
    for (auto it = rows_->lower_bound(first); it != rows_->end() && it->first < end; ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return {};
  }

 private:
  const std::shared_ptr<const Rows> rows_;
};

}  // namespace seshat
