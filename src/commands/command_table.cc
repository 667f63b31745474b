#include "seshat/commands/command_table.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ascii_case.h"
#include "command_groups.h"
#include "seshat/base/check.h"
#include "seshat/commands/error_replies.h"

namespace seshat {
namespace {

// Redis quotes at most this much of a client's name and arguments.
constexpr std::size_t kQuotedBytesMax = 128;

// The top-level commands, found by a hash of their lower-case name: one probe for nearly every
// request.
// Threads: immutable once built.
class NameIndex {
 public:
  NameIndex() {
    for (auto part : {ClusterCommands(), ConnectionCommands(), GenericCommands(), ServerCommands(),
                      StringCommands()}) {
      for (const CommandSpec& spec : part) sorted_.push_back(&spec);
    }
    std::ranges::sort(sorted_, {}, &CommandSpec::full_name);
    SESHAT_CHECK(sorted_.size() * 2 <= kBuckets);
    for (const CommandSpec* spec : sorted_) {
      std::size_t bucket = Hash(spec->full_name);
      while (buckets_[bucket] != nullptr) bucket = (bucket + 1) % kBuckets;
      buckets_[bucket] = spec;
    }
  }

  const CommandSpec* Find(std::string_view name) const {
    for (std::size_t bucket = Hash(name); buckets_[bucket] != nullptr;
         bucket = (bucket + 1) % kBuckets) {
      if (EqualsIgnoringCase(name, buckets_[bucket]->full_name)) return buckets_[bucket];
    }
    return nullptr;
  }

  std::span<const CommandSpec* const> sorted() const { return sorted_; }

 private:
  static constexpr std::size_t kBuckets = 256;

  // FNV-1a over the lower-case letters.
  static std::size_t Hash(std::string_view name) {
    std::uint32_t hash = 2166136261;
    for (char c : name) hash = (hash ^ static_cast<unsigned char>(ToLower(c))) * 16777619;
    return (hash ^ (hash >> 16)) % kBuckets;
  }

  std::vector<const CommandSpec*> sorted_;
  std::array<const CommandSpec*, kBuckets> buckets_{};
};

const NameIndex& Index() {
  static const NameIndex index;
  return index;
}

const CommandSpec* FindSubcommand(const CommandSpec& container, std::string_view name) {
  for (const CommandSpec& spec : container.Subcommands()) {
    if (EqualsIgnoringCase(name, spec.Name())) return &spec;
  }
  return nullptr;
}

std::string_view Quotable(std::string_view text, std::size_t bytes_max) {
  return QuotableText(text).substr(0, bytes_max);
}

Reply UnknownCommand(Arguments arguments) {
  std::string quoted;
  for (std::size_t i = 1; i < arguments.size() && quoted.size() < kQuotedBytesMax; ++i) {
    const std::size_t room = kQuotedBytesMax - quoted.size();
    quoted.append("'").append(Quotable(arguments[i], room)).append("' ");
  }
  std::string text = "ERR unknown command '";
  text.append(Quotable(arguments[0], kQuotedBytesMax))
      .append("', with args beginning with: ")
      .append(quoted);
  return ErrorQuoting(std::move(text));
}

Reply UnknownSubcommand(const CommandSpec& container, Arguments arguments) {
  std::string text = "ERR unknown subcommand '";
  text.append(Quotable(arguments[1], kQuotedBytesMax)).append("'. Try ");
  for (char c : container.full_name) text.push_back(ToUpper(c));
  text.append(" HELP.");
  return ErrorQuoting(std::move(text));
}

}  // namespace

std::span<const CommandSpec* const> AllCommands() {
  return Index().sorted();
}

const CommandSpec* FindCommand(std::string_view name) {
  return Index().Find(name);
}

const CommandSpec* FindCommandByFullName(std::string_view full_name) {
  const std::size_t bar = full_name.find('|');
  const CommandSpec* spec = FindCommand(full_name.substr(0, bar));
  if (spec == nullptr || bar == std::string_view::npos) return spec;
  return FindSubcommand(*spec, full_name.substr(bar + 1));
}

std::expected<const CommandSpec*, Reply> ResolveCommand(Arguments arguments) {
  const CommandSpec* spec = FindCommand(arguments[0]);
  if (spec == nullptr) return std::unexpected(UnknownCommand(arguments));
  if (spec->subcommand_count > 0 && arguments.size() > 1) {
    const CommandSpec* subcommand = FindSubcommand(*spec, arguments[1]);
    if (subcommand == nullptr) return std::unexpected(UnknownSubcommand(*spec, arguments));
    spec = subcommand;
  }
  if (!FitsArity(*spec, arguments.size())) return std::unexpected(WrongArity(spec->full_name));
  return spec;
}

bool FitsArity(const CommandSpec& spec, std::size_t count) {
  const auto least = static_cast<std::size_t>(spec.arity < 0 ? -spec.arity : spec.arity);
  return spec.arity < 0 ? count >= least : count == least;
}

CommandKeys KeysOf(const CommandSpec& spec, Arguments arguments) {
  if (spec.first_key == 0) return {};
  const auto count = static_cast<std::ptrdiff_t>(arguments.size());
  const std::ptrdiff_t last = spec.last_key < 0 ? count + spec.last_key : spec.last_key;
  if (last < spec.first_key || last >= count) return {};
  return CommandKeys(arguments, static_cast<std::size_t>(spec.first_key),
                     static_cast<std::size_t>(last), static_cast<std::size_t>(spec.key_step));
}

}  // namespace seshat
