// hiredis against one node: `hiredis_test PORT`. Blocking calls and pipelining.
#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "hiredis_test: %s\n", what);
  std::exit(1);
}

template <typename... Args>
ReplyPtr Call(redisContext* context, const char* format, Args... args) {
  ReplyPtr reply(static_cast<redisReply*>(redisCommand(context, format, args...)));
  Require(reply != nullptr, context->errstr);
  return reply;
}

void Pipeline(redisContext* context) {
  constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) redisAppendCommand(context, "SET hi:%d %d", i, i);
  for (int i = 0; i < kCount; ++i) redisAppendCommand(context, "GET hi:%d", i);
  for (int i = 0; i < 2 * kCount; ++i) {
    void* raw = nullptr;
    Require(redisGetReply(context, &raw) == REDIS_OK, "a pipelined reply is missing");
    const ReplyPtr reply(static_cast<redisReply*>(raw));
    if (i < kCount) {
      Require(reply->type == REDIS_REPLY_STATUS, "SET did not answer OK");
    } else {
      Require(std::to_string(i - kCount) == reply->str, "GET answered out of order");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Require(argc == 2, "usage: hiredis_test PORT");
  redisContext* context = redisConnect("127.0.0.1", std::atoi(argv[1]));
  Require(context != nullptr && context->err == 0, "cannot connect");
  Require(std::strcmp(Call(context, "PING")->str, "PONG") == 0, "PING");
  const std::string binary("a\0b\r\n", 5);
  Call(context, "SET hi:bin %b", binary.data(), binary.size());
  const ReplyPtr back = Call(context, "GET hi:bin");
  Require(std::string(back->str, static_cast<std::size_t>(back->len)) == binary, "binary value");
  Require(Call(context, "GET hi:nothing")->type == REDIS_REPLY_NIL, "missing key");
  Require(Call(context, "INCR hi:bin")->type == REDIS_REPLY_ERROR, "INCR of a string");
  Pipeline(context);
  redisFree(context);
  std::puts("hiredis: ok");
  return 0;
}
