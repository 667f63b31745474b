#include "io_thread.h"

#include <pthread.h>

namespace seshat {

IoThread::IoThread() : thread_([this] { context_.run(); }) {
  pthread_setname_np(thread_.native_handle(), "transport");
}

IoThread::~IoThread() {
  Stop();
}

void IoThread::Stop() {
  if (!thread_.joinable()) return;
  work_.reset();
  thread_.join();
}

}  // namespace seshat
