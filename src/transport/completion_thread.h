// The one thread that takes gRPC's completions: every reaction of a stream runs on it.
//
// gRPC's callback API does the same with two threads or more of its own, which wake each other for
// each event: twice the context switches for a message (docs/adr/0012-one-transport-thread.md).
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <thread>

namespace seshat {

// What an operation on a stream calls when it has ended.
class Completion {
 public:
  virtual ~Completion() = default;
  // `ok`: as gRPC defines it for the kind of operation; false means that the stream is over.
  virtual void OnCompletion(bool ok) = 0;

  // To be given to gRPC with the operation, right before it begins.
  void* Tag();
};

// Calls a method of `owner`. Lifetime: `owner` outlives the operation.
// Threads: immutable.
template <typename Owner>
class CompletionOf final : public Completion {
 public:
  using Method = void (Owner::*)(bool ok);
  CompletionOf(Owner& owner, Method method) : owner_(owner), method_(method) {}
  void OnCompletion(bool ok) override { (owner_.*method_)(ok); }

 private:
  Owner& owner_;
  const Method method_;
};

// Threads: Start and Stop once each, one after the other; queue() is immutable in between.
class CompletionThread {
 public:
  ~CompletionThread();

  void Start(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  // Does nothing unless started. Pre: no operation is under way or will begin; not a reaction.
  void Stop();

  // Where operations of both dialed and accepted streams complete.
  grpc::ServerCompletionQueue& queue() { return *queue_; }

 private:
  void Run();

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
};

}  // namespace seshat
