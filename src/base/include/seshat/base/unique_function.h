// UniqueFunction: a callable that may own what cannot be copied.
#pragma once

#include <functional>

namespace seshat {

template <typename Signature>
using UniqueFunction = std::move_only_function<Signature>;

}  // namespace seshat
