#include "seshat/base/seeded_bug.h"

namespace seshat {
namespace {

std::string_view chosen;

}  // namespace

bool HasBug(std::string_view name) {
  return name == chosen;
}

void ChooseBug(std::string_view name) {
  chosen = name;
}

std::string_view ChosenBug() {
  return chosen;
}

}  // namespace seshat
