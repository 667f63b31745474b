#include "seshat/resp/reply.h"

namespace seshat {
namespace {

Reply OfText(Reply::Type type, std::string text) {
  Reply reply;
  reply.type = type;
  reply.text = std::move(text);
  return reply;
}

Reply OfItems(Reply::Type type, std::vector<Reply> items) {
  Reply reply;
  reply.type = type;
  reply.items = std::move(items);
  return reply;
}

Reply OfInteger(Reply::Type type, std::int64_t value) {
  Reply reply;
  reply.type = type;
  reply.integer = value;
  return reply;
}

}  // namespace

Reply Reply::Simple(std::string_view text) {
  return OfText(Type::kSimpleString, std::string(text));
}
Reply Reply::Error(std::string text) {
  return OfText(Type::kError, std::move(text));
}
Reply Reply::Integer(std::int64_t value) {
  return OfInteger(Type::kInteger, value);
}
Reply Reply::Bulk(std::string text) {
  return OfText(Type::kBulkString, std::move(text));
}
Reply Reply::Verbatim(std::string text) {
  return OfText(Type::kVerbatim, std::move(text));
}
Reply Reply::Double(double value) {
  Reply reply;
  reply.type = Type::kDouble;
  reply.number = value;
  return reply;
}
Reply Reply::Boolean(bool value) {
  return OfInteger(Type::kBoolean, value ? 1 : 0);
}
Reply Reply::NullArray() {
  Reply reply;
  reply.type = Type::kNullArray;
  return reply;
}
Reply Reply::Array(std::vector<Reply> items) {
  return OfItems(Type::kArray, std::move(items));
}
Reply Reply::Set(std::vector<Reply> items) {
  return OfItems(Type::kSet, std::move(items));
}
Reply Reply::Map(std::vector<Reply> items) {
  return OfItems(Type::kMap, std::move(items));
}
Reply Reply::Push(std::vector<Reply> items) {
  return OfItems(Type::kPush, std::move(items));
}

}  // namespace seshat
