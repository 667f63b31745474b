#include "completion_thread.h"

#include <pthread.h>

#include <utility>

// Tells ThreadSanitizer the order that gRPC promises: what came before an operation began is seen
// by its completion. gRPC is built without it, so it cannot find out by itself.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define SESHAT_BEFORE_OPERATION(tag) __tsan_release(tag)
#define SESHAT_AFTER_OPERATION(tag) __tsan_acquire(tag)
#endif
#endif
#ifndef SESHAT_BEFORE_OPERATION
#define SESHAT_BEFORE_OPERATION(tag) static_cast<void>(tag)
#define SESHAT_AFTER_OPERATION(tag) static_cast<void>(tag)
#endif

namespace seshat {

void* Completion::Tag() {
  SESHAT_BEFORE_OPERATION(this);
  return this;
}

CompletionThread::~CompletionThread() {
  Stop();
}

void CompletionThread::Start(std::unique_ptr<grpc::ServerCompletionQueue> queue) {
  queue_ = std::move(queue);
  thread_ = std::thread([this] { Run(); });
}

void CompletionThread::Stop() {
  if (!thread_.joinable()) return;
  queue_->Shutdown();
  thread_.join();
}

void CompletionThread::Run() {
  pthread_setname_np(pthread_self(), "transport");
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    SESHAT_AFTER_OPERATION(tag);
    static_cast<Completion*>(tag)->OnCompletion(ok);
  }
}

}  // namespace seshat
