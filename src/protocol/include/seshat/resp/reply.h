// Reply: what a command answers, before it is encoded for one client's protocol version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace seshat {

// A tree of RESP3 values; the encoder degrades it for RESP2 as Redis does.
// Threads: a value type; owned by its user.
struct Reply {
  enum class Type {
    kSimpleString,  // text
    kError,         // text, with its prefix: "ERR ...", "WRONGTYPE ..."
    kInteger,       // integer
    kBulkString,    // text
    kVerbatim,      // text; RESP3 format "txt", a bulk string in RESP2
    kDouble,        // number; a bulk string in RESP2
    kBoolean,       // integer 0 or 1; an integer in RESP2
    kBigNumber,     // text; a bulk string in RESP2
    kNull,          // null; "$-1" in RESP2
    kNullArray,     // null; "*-1" in RESP2
    kArray,         // items
    kSet,           // items; an array in RESP2
    kMap,           // items: key, value, key, value...; a flat array in RESP2
    kPush,          // items; an array in RESP2
  };

  Type type = Type::kNull;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<Reply> items;

  static Reply Simple(std::string_view text);
  static Reply Ok() { return Simple("OK"); }
  static Reply Error(std::string text);
  static Reply Integer(std::int64_t value);
  static Reply Bulk(std::string text);
  static Reply Verbatim(std::string text);
  static Reply Double(double value);
  static Reply Boolean(bool value);
  static Reply Null() { return {}; }
  static Reply NullArray();
  static Reply Array(std::vector<Reply> items);
  static Reply Set(std::vector<Reply> items);
  static Reply Map(std::vector<Reply> keys_and_values);
  static Reply Push(std::vector<Reply> items);

  bool IsError() const { return type == Type::kError; }
  bool operator==(const Reply&) const = default;
};

}  // namespace seshat
