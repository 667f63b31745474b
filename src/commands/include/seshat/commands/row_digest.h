// The digest of a data group's keyspace: the sum of its data rows' hashes, modulo 2^64.
//
// It tells of the rows alone, not of the order in which they came, so replicas can compare it and a
// scan can check it. Source: docs/adr/0014-comparing-replicas.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "seshat/base/error.h"
#include "seshat/ports/state_store.h"

namespace seshat {

// What one data row adds: XXH3 of its bytes, seeded with XXH3 of its key.
std::uint64_t HashRow(std::string_view row_key, std::string_view bytes);

// By a scan of every data row. May block. Errors: those of StateView::Scan.
Result<std::uint64_t> SumRows(const StateView& view);

}  // namespace seshat
